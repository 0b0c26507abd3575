package chaintest

import (
	"fmt"
	"strconv"
	"strings"

	"kuai/chain"
	"kuai/chain/consensus"
)

// headerEdits break and keep the rules of index, previous_hash, proof and timestamp.
func headerEdits(s Setting) (edits []edit) {
	edits = append(edits, indexEdits(s)...)
	edits = append(edits, previousEdits(s)...)
	edits = append(edits, proofEdits(s)...)
	return append(edits, timestampEdits(s)...)
}

func indexEdits(s Setting) (edits []edit) {
	set := func(name, index string, rule consensus.Rule) {
		edits = append(edits, edit{name: "index " + name, rule: rule, change: func(d *draft) { d.index = index }})
	}
	for _, index := range []string{"0", "1", "-1", "2.0", `"2"`, "null", "true", "[]", "{}"} {
		set(index, index, consensus.RuleIndex)
	}
	set("one more than the parent's next", fmt.Sprint(s.Parent.Index+2), consensus.RuleIndexStep)
	set("2^63-1", "9223372036854775807", consensus.RuleIndexStep)
	if s.Parent.Index >= 2 {
		set("the parent's own", fmt.Sprint(s.Parent.Index), consensus.RuleIndexStep)
		set("2 far above", "2", consensus.RuleIndexStep)
	}
	return edits
}

func previousEdits(s Setting) (edits []edit) {
	set := func(name, previous string, rule consensus.Rule, err error) {
		edits = append(edits, edit{name: "previous_hash " + name, rule: rule, err: err, change: func(d *draft) { d.previous = previous }})
	}
	hash := s.Parent.Hash.String()
	upper := "A" + hash[1:]
	for _, bad := range []string{`""`, `"1"`, "1", "null", "[]", quoted(hash[1:]), quoted(hash + "0"), quoted(upper), quoted("g" + hash[1:]), quoted(" " + hash[1:]), quoted("é" + hash[2:])} {
		set(bad, bad, consensus.RulePreviousHash, nil)
	}
	set("of no block", quoted(strings.Repeat("ab", 32)), "", chain.ErrOrphan)
	set("of zeros", quoted(strings.Repeat("0", 64)), "", chain.ErrOrphan)
	return edits
}

func proofEdits(s Setting) (edits []edit) {
	set := func(name, proof string, rule consensus.Rule) {
		edits = append(edits, edit{name: "proof " + name, rule: rule, change: func(d *draft) { d.proof = proof }})
	}
	for _, bad := range []string{"-1", "9007199254740992", "9223372036854775807", "5.0", "1e+16", `"5"`, "null", "false", "[]"} {
		set(bad, bad, consensus.RuleProofRange)
	}
	for _, inRange := range []int64{0, 1, consensus.MaxProof - 1} {
		set(fmt.Sprint(inRange), fmt.Sprint(inRange), proofRule(s, inRange))
	}
	proof := Proof(s.Rules, s.Parent)
	next := proof + 1
	for !s.Rules.ValidProof(s.Parent.Proof, next, s.Parent.Hash) {
		next++
	}
	set("the second smallest that holds", fmt.Sprint(next), "")
	set("one more than the smallest that holds", fmt.Sprint(proof+1), proofRule(s, proof+1))
	return edits
}

// proofRule is RuleProof unless proof holds.
func proofRule(s Setting, proof int64) consensus.Rule {
	if s.Rules.ValidProof(s.Parent.Proof, proof, s.Parent.Hash) {
		return ""
	}
	return consensus.RuleProof
}

func timestampEdits(s Setting) (edits []edit) {
	set := func(name, timestamp string, rule consensus.Rule, err error) {
		edits = append(edits, edit{name: "timestamp " + name, rule: rule, err: err, change: func(d *draft) { d.timestamp = timestamp }})
	}
	for _, bad := range []string{"0", "0.0", "-0.0", "-1", "-1.5", "-5e-324", "9007199254740992", "9007199254740992.0", "1.5e+300", "9223372036854775807", `"1626739201.5"`, "null", "true", "[]"} {
		set(bad, bad, consensus.RuleTimestamp, nil)
	}
	for _, good := range []string{"5e-324", "1e-05", "0.0001", "1", "1.0", "1626739201", "1626739201.5", "1626739201.1234567"} {
		set(good, good, "", nil)
	}
	for _, late := range []string{"9007199254740991", "9007199254740991.0"} {
		set(late, late, "", consensus.ErrFuture)
	}
	latest := s.Now.Add(s.Rules.MaxAhead).Unix()
	set("as far ahead as may be", strconv.FormatInt(latest, 10), "", nil)
	set("a second further ahead", strconv.FormatInt(latest+1, 10), "", futureUnlessWithin(s, latest+1))
	set("two seconds further ahead", fmt.Sprintf("%d.5", latest+2), "", consensus.ErrFuture)
	return edits
}

// futureUnlessWithin allows for clocks that stand between two seconds.
func futureUnlessWithin(s Setting, seconds int64) error {
	if s.Now.Add(s.Rules.MaxAhead).Unix() >= seconds {
		return nil
	}
	return consensus.ErrFuture
}

// contentEdits break the rules of keys and types of a block and of its list of transactions.
func contentEdits(s Setting) (edits []edit) {
	text := func(name string, rule consensus.Rule, change func(raw string) string) {
		edits = append(edits, edit{name: name, rule: rule, change: func(d *draft) { d.text = change(string(d.raw())) }})
	}
	without := func(key string) {
		text("without "+key, consensus.RuleBlockKeys, func(raw string) string { return withoutKey(raw, key) })
	}
	for _, key := range []string{"index", "previous_hash", "proof", "timestamp", "transactions"} {
		without(key)
	}
	with := func(member string, before string) {
		text("with "+member, consensus.RuleBlockKeys, func(raw string) string { return strings.Replace(raw, before, member+", "+before, 1) })
	}
	with(`"hash": "00"`, `"index"`)
	with(`"Index": 2`, `"index"`)
	with(`"nonce": 0`, `"previous_hash"`)
	with(`"": null`, `"index"`)
	text("Index for index", consensus.RuleBlockKeys, func(raw string) string { return strings.Replace(raw, `"index"`, `"Index"`, 1) })
	for _, other := range []string{"[]", "{}", "null", "5", `"block"`, "true"} {
		text(other+" for a block", consensus.RuleBlockKeys, func(string) string { return other })
	}
	for _, list := range []string{"{}", "null", "5", `"[]"`, "true", "[]"} {
		edits = append(edits, edit{name: "transactions " + list, rule: consensus.RuleTransactionCount, change: func(d *draft) { d.transactions = list }})
	}
	return edits
}

// withoutKey takes a member out of canonical text. A value that is an array must be the last.
func withoutKey(raw, key string) string {
	from := strings.Index(raw, quoted(key))
	if rest := raw[from:]; key != "transactions" {
		return raw[:from] + rest[strings.Index(rest, ", ")+2:]
	}
	return raw[:from-len(", ")] + "}"
}

// rewardEdits break the rules of a block's reward.
func rewardEdits(s Setting) (edits []edit) {
	add := func(name string, rule consensus.Rule, change func(d *draft)) {
		edits = append(edits, edit{name: "reward " + name, rule: rule, change: change})
	}
	reward := func(name string, rule consensus.Rule, change func(p *payment)) {
		add(name, rule, func(d *draft) { change(&d.txs[1]) })
	}
	add("alone", "", func(d *draft) { d.txs = d.txs[1:] })
	add("missing", consensus.RuleReward, func(d *draft) { d.txs = d.txs[:1] })
	add("first", consensus.RuleReward, func(d *draft) { d.txs[0], d.txs[1] = d.txs[1], d.txs[0] })
	add("twice", consensus.RuleReward, func(d *draft) { d.txs = append(d.txs, d.txs[1]) })
	add("between payments", consensus.RuleReward, func(d *draft) { d.txs = append(d.txs, d.txs[0]) })
	amount := string(s.Rules.Reward)
	reward("of more", consensus.RuleReward, func(p *payment) { p.amount = "1" + amount })
	reward("of another spelling", consensus.RuleReward, func(p *payment) { p.amount = otherSpelling(amount) })
	reward("of nothing", consensus.RuleAmount, func(p *payment) { p.amount = "0" })
	reward("in words", consensus.RuleAmount, func(p *payment) { p.amount = quoted(amount) })
	reward("with an id", consensus.RuleReward, func(p *payment) { p.id = newPayment().id })
	reward("from 00", consensus.RuleReward, func(p *payment) { p.sender = `"00"` })
	reward("from the number 0", consensus.RuleSender, func(p *payment) { p.sender = "0" })
	reward("to nobody", consensus.RuleRecipient, func(p *payment) { p.recipient = `""` })
	reward("to 0", "", func(p *payment) { p.recipient = `"0"` })
	return edits
}

// otherSpelling turns an integer into a float, and a float into another number.
func otherSpelling(amount string) string {
	if strings.ContainsAny(amount, ".e") {
		return "7"
	}
	return amount + ".0"
}

// idEdits break and keep the rule that an id occurs once.
func idEdits(s Setting) (edits []edit) {
	add := func(name string, rule consensus.Rule, change func(d *draft)) {
		edits = append(edits, edit{name: name, rule: rule, change: change})
	}
	add("two payments with one id", consensus.RuleDuplicateID, func(d *draft) {
		other := d.txs[0]
		other.recipient = `"carol"`
		d.txs = []payment{d.txs[0], other, d.txs[1]}
	})
	add("a payment twice", consensus.RuleDuplicateID, func(d *draft) { d.txs = []payment{d.txs[0], d.txs[0], d.txs[1]} })
	add("one id far from itself", consensus.RuleDuplicateID, func(d *draft) { d.txs = append(manyPayments(30), d.txs...); d.txs[30].id = d.txs[2].id })
	add("thirty ids", "", func(d *draft) { d.txs = append(manyPayments(30), d.txs...) })
	add("a payment without id", "", func(d *draft) { d.txs[0].id = "" })
	add("two equal payments without ids", "", func(d *draft) { d.txs[0].id = ""; d.txs = []payment{d.txs[0], d.txs[0], d.txs[1]} })
	if s.Mined != (consensus.ID{}) {
		add("an id of an earlier block", consensus.RuleDuplicateID, func(d *draft) { d.txs[0].id = quoted(s.Mined.String()) })
	}
	return edits
}

func manyPayments(n int) []payment {
	many := make([]payment, n)
	for i := range many {
		many[i] = newPayment()
		many[i].id = quoted(fmt.Sprintf("%032x", i+1))
	}
	return many
}
