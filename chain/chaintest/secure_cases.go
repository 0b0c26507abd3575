package chaintest

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"kuai/chain"
	"kuai/chain/canonical"
	"kuai/chain/consensus"
)

// sealedDraft is a block of a secure network whose parts are JSON text, so that they can be anything. Its proof seals what it holds, and
// meets the target, unless proof or change says otherwise.
type sealedDraft struct {
	s                          Setting
	index, previous, timestamp string
	txs                        []string
	list                       string                  // instead of txs, if not empty
	proof                      string                  // instead of the one that holds, if not empty
	change                     func(raw string) string // of the whole, after it was sealed
}

func newSealedDraft(s Setting) sealedDraft {
	return sealedDraft{
		s:         s,
		index:     fmt.Sprint(s.Parent.Index + 1),
		previous:  quoted(s.Parent.Hash.String()),
		timestamp: string(canonical.AppendFloat(nil, s.Parent.Timestamp+1.5)),
		txs:       []string{signedText(s.Rules, "carol", "bob", 5), rewardText(s.Rules, "fred")},
	}
}

func signedText(r *consensus.Rules, from, to string, amount int64) string {
	return string(Signed(r, from, to, amount).AppendCanonical(nil))
}

func rewardText(r *consensus.Rules, to string) string {
	return string(r.RewardTo(Account(to)).AppendCanonical(nil))
}

func (d sealedDraft) root() consensus.Hash {
	leaves := []consensus.Hash{consensus.LeafHash(fmt.Appendf(nil, `{"index": %s, "previous_hash": %s, "timestamp": %s}`, d.index, d.previous, d.timestamp))}
	for _, tx := range d.txs {
		leaves = append(leaves, consensus.LeafHash([]byte(tx)))
	}
	return consensus.MerkleRoot(leaves)
}

// nonces yields the nonces that meet the target, or those that do not, from the lowest on.
func (d sealedDraft) nonces(lowest int64, holds bool) func(yield func(string) bool) {
	root := d.root().String()
	puzzle := consensus.Puzzle{Before: d.s.Parent.ProofText() + root + ".", After: d.s.Parent.Hash.String(), Target: d.s.Rules.TargetAfter(d.s.Parent)}
	return func(yield func(string) bool) {
		for nonce := lowest; ; nonce++ {
			if puzzle.Solves(nonce) == holds && !yield(quoted(root+"."+strconv.FormatInt(nonce, 10))) {
				return
			}
		}
	}
}

func nth(n int, all func(yield func(string) bool)) (found string) {
	for s := range all {
		if found = s; n == 0 {
			break
		}
		n--
	}
	return found
}

func (d sealedDraft) raw() []byte {
	proof, list := d.proof, d.list
	if proof == "" {
		proof = nth(0, d.nonces(0, true))
	}
	if list == "" {
		list = "[" + strings.Join(d.txs, ", ") + "]"
	}
	raw := fmt.Sprintf(`{"index": %s, "previous_hash": %s, "proof": %s, "timestamp": %s, "transactions": %s}`, d.index, d.previous, proof, d.timestamp, list)
	if d.change != nil {
		raw = d.change(raw)
	}
	return []byte(raw)
}

// sealedEdit is a change to a valid block of a secure network that makes a case of it.
type sealedEdit struct {
	name   string
	rule   consensus.Rule
	err    error
	change func(*sealedDraft)
}

// secureBlockCases is BlockCases for a secure network: on the branch that ends in s.Parent carol, dave and erin have 1000 each, and
// fred and nobody have nothing.
func secureBlockCases(s Setting) []Case {
	base := newSealedDraft(s)
	cases := []Case{{Name: "block: a payment and the reward", Raw: base.raw()}}
	for _, edits := range [][]sealedEdit{sealedHeaderEdits(s), sealedTimeEdits(s), proofTextEdits(base), sealedListEdits(s), signatureEdits(s), balanceEdits(s)} {
		for _, e := range edits {
			d := base
			d.txs = slices.Clone(base.txs)
			e.change(&d)
			cases = append(cases, Case{Name: "block: " + e.name, Raw: d.raw(), Rule: e.rule, Err: e.err, Loose: e.name == "too many bytes"})
		}
	}
	for _, e := range secureTransactionEdits(base.txs[0]) {
		d := base
		d.txs = []string{e.text, base.txs[1]}
		cases = append(cases, Case{Name: "block: payment: " + e.name, Raw: d.raw(), Rule: e.rule})
	}
	cases = append(cases, sealedSizeCases(base)...)
	return append(cases, secureFormCases("block: ", string(base.raw()))...)
}

// sealedSizeCases stand on both sides of the limits of a block's bytes and of its number of transactions, which only a network with few
// has room for.
func sealedSizeCases(base sealedDraft) (cases []Case) {
	const fiveDigits = 10_000 // of the nonce, so that the size is known before it is found
	add := func(name string, rule consensus.Rule, payments []string) {
		d := base
		d.txs = append(payments, base.txs[1])
		d.proof = nth(0, d.nonces(fiveDigits, true))
		cases = append(cases, Case{Name: "block: " + name, Raw: d.raw(), Rule: rule})
	}
	if most := base.s.Rules.MaxBlockTransactions; most < 50 {
		add("as many transactions as may be", "", paymentsToSelf(base.s.Rules, most-1, 0))
		add("one transaction too many", consensus.RuleTransactionCount, paymentsToSelf(base.s.Rules, most, 0))
		return cases
	}
	one := len(paymentsToSelf(base.s.Rules, 1, 0)[0]) + len(", ")
	base.proof = nth(0, base.nonces(fiveDigits, true))
	left := base.s.Rules.MaxBlockBytes - len(base.raw()) + len(base.txs[0]) + len(", ")
	add("as many bytes as may be", "", paymentsToSelf(base.s.Rules, left/one, left%one))
	add("one byte too many, all of use", consensus.RuleBlockSize, paymentsToSelf(base.s.Rules, left/one, left%one+1))
	return cases
}

// paymentsToSelf returns n payments of carol to herself, whose amounts have this many digits more than one each, all together.
func paymentsToSelf(r *consensus.Rules, n, digits int) (texts []string) {
	for range n {
		amount := int64(1)
		for range min(digits, 3) {
			amount *= 10
			digits--
		}
		texts = append(texts, signedText(r, "carol", "carol", amount))
	}
	return texts
}

func sealedHeaderEdits(s Setting) (edits []sealedEdit) {
	index := func(name, text string, rule consensus.Rule) {
		edits = append(edits, sealedEdit{"index " + name, rule, nil, func(d *sealedDraft) { d.index = text }})
	}
	for _, bad := range []string{"0", "1", "-1", "2.0", `"2"`, "null"} {
		index(bad, bad, consensus.RuleIndex)
	}
	index("one more than the parent's next", fmt.Sprint(s.Parent.Index+2), consensus.RuleIndexStep)
	index("the parent's own", fmt.Sprint(max(2, s.Parent.Index)), consensus.RuleIndexStep)
	previous := func(name, text string, rule consensus.Rule, err error) {
		edits = append(edits, sealedEdit{"previous_hash " + name, rule, err, func(d *sealedDraft) { d.previous = text }})
	}
	for _, bad := range []string{`""`, `"1"`, "1", "null", quoted("A" + s.Parent.Hash.String()[1:])} {
		previous(bad, bad, consensus.RulePreviousHash, nil)
	}
	previous("of no block", quoted(strings.Repeat("ab", 32)), "", chain.ErrOrphan)
	return edits
}

func sealedTimeEdits(s Setting) (edits []sealedEdit) {
	set := func(name, timestamp string, rule consensus.Rule, err error) {
		edits = append(edits, sealedEdit{"timestamp " + name, rule, err, func(d *sealedDraft) { d.timestamp = timestamp }})
	}
	float := func(f float64) string { return string(canonical.AppendFloat(nil, f)) }
	for _, bad := range []string{"0", "-1", "9007199254740992", `"1"`, "null"} {
		set(bad, bad, consensus.RuleTimestamp, nil)
	}
	set("the parent's", float(s.Parent.Timestamp), consensus.RuleTimestampStep, nil)
	set("before the parent's", float(s.Parent.Timestamp-0.5), consensus.RuleTimestampStep, nil)
	set("just after the parent's", float(s.Parent.Timestamp+0.001), "", nil)
	latest := s.Now.Add(s.Rules.MaxAhead).Unix()
	set("as far ahead as may be", fmt.Sprint(latest), "", nil)
	set("two seconds further ahead", fmt.Sprintf("%d.5", latest+2), "", consensus.ErrFuture)
	return edits
}

func proofTextEdits(base sealedDraft) (edits []sealedEdit) {
	root := base.root().String()
	set := func(name, proof string, rule consensus.Rule) {
		edits = append(edits, sealedEdit{"proof " + name, rule, nil, func(d *sealedDraft) { d.proof = proof }})
	}
	for _, bad := range []string{"5", "null", `""`, quoted(root), quoted(root + "."), quoted(root + ".01"), quoted(root + ".-1"), quoted(root + ".1.0"),
		quoted(root + ".9223372036854775808"), quoted(root + ". 1"), quoted(strings.ToUpper(root) + ".1"), quoted(root[1:] + ".1"), quoted("0" + root + ".1")} {
		set(bad, bad, consensus.RuleProofForm)
	}
	set("of another root", quoted(strings.Repeat("0", 64)+".1"), consensus.RuleRoot)
	set("that misses the target", nth(0, base.nonces(0, false)), consensus.RuleTarget)
	set("that is the second to hold", nth(1, base.nonces(0, true)), "")
	sealed := func(name, old, text string) {
		edits = append(edits, sealedEdit{name + " changed after sealing", consensus.RuleRoot, nil, func(d *sealedDraft) {
			d.change = func(raw string) string { return strings.Replace(raw, old, text, 1) }
		}})
	}
	sealed("timestamp", base.timestamp, base.timestamp+"5")
	sealed("amount", `"amount": 5`, `"amount": 6`)
	sealed("reward", Account("fred"), Account("nobody"))
	sealed("list of payments", "["+base.txs[0]+", ", "[")
	return edits
}

func sealedListEdits(s Setting) (edits []sealedEdit) {
	add := func(name string, rule consensus.Rule, change func(d *sealedDraft)) {
		edits = append(edits, sealedEdit{name, rule, nil, change})
	}
	keys := func(name, old, text string) {
		add("block "+name, consensus.RuleBlockKeys, func(d *sealedDraft) {
			d.change = func(raw string) string { return strings.Replace(raw, old, text, 1) }
		})
	}
	keys("with another key", `{"index"`, `{"hash": 5, "index"`)
	keys("without timestamp", `"timestamp": `+newSealedDraft(s).timestamp+", ", "")
	keys("with its keys in capitals", `"index"`, `"INDEX"`)
	for _, list := range []string{"{}", "null", "5", "[]"} {
		add("transactions "+list, consensus.RuleTransactionCount, func(d *sealedDraft) { d.list = list })
	}
	add("too many transactions", consensus.RuleTransactionCount, func(d *sealedDraft) {
		d.list = "[" + strings.Repeat(`{}, `, s.Rules.MaxBlockTransactions) + "{}]"
	})
	add("too many bytes", consensus.RuleBlockSize, func(d *sealedDraft) {
		d.change = func(raw string) string { return raw + strings.Repeat(" ", s.Rules.MaxBlockBytes) }
	})
	reward := func(name string, rule consensus.Rule, change func(text string) string) {
		add("reward "+name, rule, func(d *sealedDraft) { d.txs[1] = change(d.txs[1]) })
	}
	amount := `"amount": ` + string(s.Rules.Reward)
	add("reward alone", "", func(d *sealedDraft) { d.txs = d.txs[1:] })
	add("reward missing", consensus.RuleReward, func(d *sealedDraft) { d.txs = d.txs[:1] })
	add("reward first", consensus.RuleTransactionKeys, func(d *sealedDraft) { d.txs[0], d.txs[1] = d.txs[1], d.txs[0] })
	add("reward twice", consensus.RuleTransactionKeys, func(d *sealedDraft) { d.txs = append(d.txs, d.txs[1]) })
	reward("of more", consensus.RuleReward, func(text string) string { return strings.Replace(text, amount, amount+"0", 1) })
	reward("of nothing", consensus.RuleReward, func(text string) string { return strings.Replace(text, amount, `"amount": 0`, 1) })
	reward("as a float", consensus.RuleReward, func(text string) string { return strings.Replace(text, amount, amount+".0", 1) })
	reward("from somebody", consensus.RuleReward, func(text string) string { return strings.Replace(text, `"sender": "0"`, `"sender": "00"`, 1) })
	reward("to a name", consensus.RuleRecipient, func(text string) string { return strings.Replace(text, Account("fred"), "fred", 1) })
	add("a payment twice", consensus.RuleDuplicateID, func(d *sealedDraft) { d.txs = []string{d.txs[0], d.txs[0], d.txs[1]} })
	if s.Mined != (consensus.ID{}) {
		add("an id of an earlier block", consensus.RuleDuplicateID, func(d *sealedDraft) {
			p := Unsigned("carol", "bob", 5)
			p.ID = s.Mined
			d.txs[0] = string(Sign(s.Rules, "carol", p).AppendCanonical(nil))
		})
	}
	return edits
}

// groupOrder is that of Ed25519: a scalar plus the order would be the same, if it were allowed.
var groupOrder, _ = new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)

// plusOrder returns the signature with the scalar's other spelling.
func plusOrder(s consensus.Signature) consensus.Signature {
	scalar := slices.Clone(s[32:])
	slices.Reverse(scalar)
	n := new(big.Int).SetBytes(scalar)
	n.Add(n, groupOrder).FillBytes(scalar)
	slices.Reverse(scalar)
	copy(s[32:], scalar)
	return s
}

func signatureEdits(s Setting) (edits []sealedEdit) {
	payment := Signed(s.Rules, "carol", "bob", 5)
	add := func(name string, change func(p *consensus.Transaction)) {
		p := payment
		change(&p)
		edits = append(edits, sealedEdit{"signature " + name, consensus.RuleSignature, nil, func(d *sealedDraft) { d.txs[0] = string(p.AppendCanonical(nil)) }})
	}
	add("of zeros", func(p *consensus.Transaction) { p.Signature = consensus.Signature{} })
	add("with a bit flipped", func(p *consensus.Transaction) { p.Signature[63] ^= 1 })
	add("with its scalar's other spelling", func(p *consensus.Transaction) { p.Signature = plusOrder(p.Signature) })
	add("of another amount", func(p *consensus.Transaction) { p.Amount = "6" })
	add("of another recipient", func(p *consensus.Transaction) { p.Recipient = Account("dave") })
	add("of another id", func(p *consensus.Transaction) { p.ID[0] ^= 1 })
	add("of another sender", func(p *consensus.Transaction) { p.Sender = Account("dave") })
	add("for another network", func(p *consensus.Transaction) {
		other := *s.Rules
		other.MaxBlockBytes--
		*p = Signed(&other, "carol", "bob", 5)
	})
	return edits
}

func balanceEdits(s Setting) (edits []sealedEdit) {
	type pay struct {
		from, to string
		amount   int64
	}
	add := func(name string, rule consensus.Rule, payments ...pay) {
		edits = append(edits, sealedEdit{"balance: " + name, rule, nil, func(d *sealedDraft) {
			d.txs = d.txs[1:]
			for i, p := range payments {
				d.txs = slices.Insert(d.txs, i, signedText(s.Rules, p.from, p.to, p.amount))
			}
		}})
	}
	add("all of it", "", pay{"carol", "bob", 1000})
	add("one more", consensus.RuleBalance, pay{"carol", "bob", 1001})
	add("the largest amount", consensus.RuleBalance, pay{"carol", "bob", consensus.MaxAmount})
	add("all of it twice", consensus.RuleBalance, pay{"carol", "bob", 1000}, pay{"carol", "dave", 1})
	add("what came before it in the block", "", pay{"dave", "erin", 1000}, pay{"erin", "carol", 2000})
	add("what comes after it in the block", consensus.RuleBalance, pay{"erin", "carol", 2000}, pay{"dave", "erin", 1000})
	add("from an account that never had anything", consensus.RuleBalance, pay{"nobody", "carol", 1})
	add("the block's own reward", consensus.RuleBalance, pay{"fred", "carol", 1})
	add("to itself", "", pay{"carol", "carol", 1000})
	add("to itself more than it has", consensus.RuleBalance, pay{"carol", "carol", 1001})
	return edits
}

// textEdit is the text of a payment and the rule that it breaks.
type textEdit struct {
	name, text string
	rule       consensus.Rule
}

// secureTransactionEdits break the rules of a payment's form. None of them is about the signature's validity.
func secureTransactionEdits(valid string) (edits []textEdit) {
	v := func(key string) string { // the member, with its quotes
		from := strings.Index(valid, quoted(key)) + len(quoted(key)) + len(": ")
		return valid[from : from+strings.IndexAny(valid[from:], ",}")]
	}
	set := func(key string, rule consensus.Rule, values ...string) {
		for _, value := range values {
			edits = append(edits, textEdit{key + " " + value, strings.Replace(valid, quoted(key)+": "+v(key), quoted(key)+": "+value, 1), rule})
		}
	}
	set("amount", consensus.RuleAmount, "0", "-1", "1.0", "1e+16", "9007199254740992", `"5"`, "null")
	set("id", consensus.RuleID, `""`, `"00"`, "5", quoted(strings.Repeat("A", 32)))
	for _, key := range []string{"recipient", "sender"} {
		rule := map[string]consensus.Rule{"recipient": consensus.RuleRecipient, "sender": consensus.RuleSender}[key]
		address := strings.Trim(v(key), `"`)
		set(key, rule, `""`, `"0"`, `"alice"`, "5", "null", quoted(address[1:]), quoted(address+"1"), quoted("0"+address[1:]), quoted("Qm"+address[2:]))
	}
	set("signature", consensus.RuleSignature, `""`, `"00"`, "5", quoted(strings.Repeat("A", 128)), quoted(strings.Repeat("0", 130)))
	for _, key := range []string{"amount", "id", "recipient", "sender", "signature"} {
		without := strings.Replace(strings.Replace(valid, quoted(key)+": "+v(key)+", ", "", 1), ", "+quoted(key)+": "+v(key), "", 1)
		edits = append(edits, textEdit{"without " + key, without, consensus.RuleTransactionKeys})
	}
	edits = append(edits, textEdit{"with another key", strings.Replace(valid, `{"amount"`, `{"Amount": 5, "amount"`, 1), consensus.RuleTransactionKeys})
	for _, other := range []string{"[]", "null", "5", `"payment"`} {
		edits = append(edits, textEdit{other + " for a payment", other, consensus.RuleTransactionKeys})
	}
	long := strings.Replace(valid, v("id"), quoted(strings.Repeat("0", 4096)), 1)
	return append(edits, textEdit{"too long", long, consensus.RuleTransactionSize})
}

// secureTransactionCases is TransactionCases for a secure network, where carol has 1000 and nobody nothing.
func secureTransactionCases(r *consensus.Rules) []Case {
	valid := signedText(r, "carol", "bob", 5)
	cases := []Case{{Name: "transaction: a payment", Raw: []byte(valid)}, {Name: "transaction: all of it", Raw: []byte(signedText(r, "carol", "bob", 1000))}}
	for _, e := range secureTransactionEdits(valid) {
		missing := strings.HasPrefix(e.name, "without") && e.name != "without id" || strings.HasSuffix(e.name, "for a payment")
		cases = append(cases, Case{Name: "transaction: " + e.name, Raw: []byte(e.text), Rule: e.rule, Syntax: missing})
	}
	for _, e := range signatureEdits(Setting{Rules: r}) {
		d := sealedDraft{txs: make([]string, 1)}
		e.change(&d)
		cases = append(cases, Case{Name: "transaction: " + e.name, Raw: []byte(d.txs[0]), Rule: e.rule})
	}
	cases = append(cases,
		Case{Name: "transaction: one more than there is", Raw: []byte(signedText(r, "carol", "bob", 1001)), Err: chain.ErrFunds},
		Case{Name: "transaction: from an account that never had anything", Raw: []byte(signedText(r, "nobody", "bob", 1)), Err: chain.ErrFunds})
	return append(cases, secureFormCases("transaction: ", valid)...)
}
