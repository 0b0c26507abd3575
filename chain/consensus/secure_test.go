package consensus_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"kuai/chain/consensus"
	"kuai/chain/wallet"
)

type chainVector struct{ Block, Hash, Target string }

// secureChain returns the vectors, their rules and the header of each.
func secureChain(t testing.TB) (all []chainVector, r *consensus.Rules, headers []consensus.Header) {
	t.Helper()
	all = vectors[chainVector](t, "secure_chain.jsonl", 40)
	r, err := consensus.ReadRules([]byte(`{"name": "vectors", "profile": "secure", "block_seconds": 10, "genesis": ` + all[0].Block + `}`))
	if err != nil {
		t.Fatal(err)
	}
	headers = append(headers, r.Genesis.Header())
	for i, v := range all[1:] {
		b, err := r.ParseBlock([]byte(v.Block))
		if err != nil {
			t.Fatalf("block %d: %v", i+2, err)
		}
		headers = append(headers, b.Header())
	}
	return all, r, headers
}

// TestSecureChainVectors checks the mined chain end to end: form, root, signatures, target and proof.
func TestSecureChainVectors(t *testing.T) {
	all, r, headers := secureChain(t)
	if headers[0].Hash.String() != all[0].Hash {
		t.Fatalf("genesis %s", headers[0].Hash)
	}
	payments, state := 0, r.Start()
	for i, v := range all[1:] {
		parent := headers[i]
		b, err := r.ParseBlock([]byte(v.Block))
		if err != nil {
			t.Fatal(err)
		}
		for _, tx := range b.Transactions() {
			if !tx.IsReward() {
				err = errors.Join(err, tx.CheckSignature(networkOfVectors))
				payments++
			}
		}
		if err := errors.Join(err, r.CheckLink(parent, b)); err != nil {
			t.Fatalf("block %d: %v", i+2, err)
		}
		if target := r.TargetAfter(parent); b.Hash().String() != v.Hash || target.String() != v.Target {
			t.Errorf("block %d: hash %s, target %s; CPython says %s, %s", i+2, b.Hash(), target, v.Hash, v.Target)
		}
		before := state.Work
		if state = r.Next(state, b.Header()); state.Work != before.Add(r.TargetAfter(parent).Work()) {
			t.Errorf("block %d: work %x after %x", i+2, state.Work, before)
		}
		if root := consensus.MerkleRoot(b.Leaves()); root != b.Header().Root {
			t.Errorf("block %d: the leaves have the root %s, the block %s", i+2, root, b.Header().Root)
		}
	}
	if payments == 0 {
		t.Error("the vectors hold no payment")
	}
}

const networkOfVectors = "0123456789abcdef-2"

// TestSecureBlockRules breaks each rule of a block's own bytes.
func TestSecureBlockRules(t *testing.T) {
	all, r, _ := secureChain(t)
	valid := all[39].Block
	b, err := r.ParseBlock([]byte(valid))
	if err != nil || len(b.Transactions()) < 3 {
		t.Fatalf("%d transactions, %v", len(b.Transactions()), err)
	}
	swap := func(old, text string) string {
		if !strings.Contains(valid, old) {
			t.Fatalf("the block has no %s", old)
		}
		return strings.Replace(valid, old, text, 1)
	}
	txs := b.Transactions()
	root, proof, recipient := b.Header().Root.String(), b.Header().ProofText(), txs[len(txs)-1].Recipient
	reward := fmt.Sprintf(`{"amount": 1, "recipient": "%s", "sender": "0"}`, recipient)
	first := string(txs[0].AppendCanonical(nil))
	for name, c := range map[string]struct {
		text string
		rule consensus.Rule
	}{
		"valid":                    {valid, ""},
		"another nonce":            {swap(proof, root+".0"), ""}, // the target is the parent's affair
		"the size":                 {valid + strings.Repeat(" ", 1<<18), consensus.RuleBlockSize},
		"a newline":                {valid + "\n", consensus.RuleCanonical},
		"an array":                 {"[]", consensus.RuleBlockKeys},
		"a key more":               {swap(`{"index"`, `{"a": 1, "index"`), consensus.RuleBlockKeys},
		"index 1":                  {swap(`"index": 40`, `"index": 1`), consensus.RuleIndex},
		"index is text":            {swap(`"index": 40`, `"index": "40"`), consensus.RuleIndex},
		"previous hash too short":  {swap(b.Header().Previous.String(), "ab"), consensus.RulePreviousHash},
		"proof is a number":        {swap(`"`+proof+`"`, "5"), consensus.RuleProofForm},
		"no nonce":                 {swap(proof, root+"."), consensus.RuleProofForm},
		"no dot":                   {swap(proof, root), consensus.RuleProofForm},
		"nonce with a zero":        {swap(proof, root+".01"), consensus.RuleProofForm},
		"nonce below 0":            {swap(proof, root+".-1"), consensus.RuleProofForm},
		"nonce 2^63":               {swap(proof, root+".9223372036854775808"), consensus.RuleProofForm},
		"nonce 2^63-1":             {swap(proof, root+".9223372036854775807"), ""},
		"root in upper case":       {swap(proof, strings.ToUpper(proof)), consensus.RuleProofForm},
		"timestamp 0":              {swap("1790000338.0", "0"), consensus.RuleTimestamp},
		"timestamp 2^53":           {swap("1790000338.0", "9007199254740992.0"), consensus.RuleTimestamp},
		"timestamp is text":        {swap("1790000338.0", `"now"`), consensus.RuleTimestamp},
		"no transactions":          {valid[:strings.Index(valid, "[")] + "[]}", consensus.RuleTransactionCount},
		"transactions are none":    {valid[:strings.Index(valid, "[")] + "null}", consensus.RuleTransactionCount},
		"a payment without a key":  {swap(`"id": "`+txs[0].ID.String()+`", `, ""), consensus.RuleTransactionKeys},
		"a payment with amount 0":  {swap(`[{"amount": 1,`, `[{"amount": 0,`), consensus.RuleAmount},
		"a payment twice":          {swap(first, first+", "+first), consensus.RuleDuplicateID},
		"a reward first":           {swap("["+first, "["+reward+", "+first), consensus.RuleTransactionKeys},
		"no reward":                {swap(", "+reward, ""), consensus.RuleReward},
		"two rewards":              {swap(reward, reward+", "+reward), consensus.RuleTransactionKeys},
		"a larger reward":          {swap(reward, strings.Replace(reward, ": 1", ": 2", 1)), consensus.RuleReward},
		"a reward as a float":      {swap(reward, strings.Replace(reward, ": 1", ": 1.0", 1)), consensus.RuleReward},
		"a reward of somebody":     {swap(`"sender": "0"`, `"sender": "1"`), consensus.RuleReward},
		"a reward for a name":      {swap(reward, `{"amount": 1, "recipient": "alice", "sender": "0"}`), consensus.RuleRecipient},
		"another root":             {swap(proof, strings.Repeat("0", 64)+".1"), consensus.RuleRoot},
		"another timestamp":        {swap("1790000338.0", "1790000338"), consensus.RuleRoot},
		"another index":            {swap(`"index": 40`, `"index": 41`), consensus.RuleRoot},
		"another parent":           {swap(b.Header().Previous.String(), strings.Repeat("0", 64)), consensus.RuleRoot},
		"a payment less":           {swap(first+", ", ""), consensus.RuleRoot},
		"another reward recipient": {swap(reward, strings.Replace(reward, recipient, txs[0].Sender, 1)), consensus.RuleRoot},
	} {
		if _, err := r.ParseBlock([]byte(c.text)); brokenRule(err) != c.rule {
			t.Errorf("%s: broke %q, want %q: %v", name, brokenRule(err), c.rule, err)
		} else if name == "no transactions" && !strings.HasSuffix(err.Error(), fmt.Sprintf("0 transactions, not 1 to %d", r.MaxBlockTransactions)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSecureLinkRules breaks each rule between a block and its parent.
func TestSecureLinkRules(t *testing.T) {
	all, r, headers := secureChain(t)
	b, err := r.ParseBlock([]byte(all[39].Block))
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, want consensus.Rule, b *consensus.Block, change func(parent *consensus.Header)) {
		t.Helper()
		p := headers[38]
		change(&p)
		if err := r.CheckLink(p, b); brokenRule(err) != want {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	timestamp := b.Header().Timestamp
	check("valid", "", b, func(*consensus.Header) {})
	check("another parent", consensus.RuleParent, b, func(p *consensus.Header) { p.Hash[0] ^= 1 })
	check("index too high", consensus.RuleIndexStep, b, func(p *consensus.Header) { p.Index-- })
	check("index too low", consensus.RuleIndexStep, b, func(p *consensus.Header) { p.Index++ })
	check("the parent's timestamp", consensus.RuleTimestampStep, b, func(p *consensus.Header) { p.Timestamp = timestamp })
	check("before the parent", consensus.RuleTimestampStep, b, func(p *consensus.Header) { p.Timestamp = timestamp + 1 })
	check("just after the parent", "", b, func(p *consensus.Header) { p.Timestamp = timestamp - 0.001 }) // the same or an easier target
	check("another proof of the parent", consensus.RuleTarget, b, func(p *consensus.Header) { p.Proof++ })
	check("another root of the parent", consensus.RuleTarget, b, func(p *consensus.Header) { p.Root[0] ^= 1 })
	other, err := r.NewBlock(headers[38], b.Header().Proof+1, timestamp, b.Transactions())
	if err != nil {
		t.Fatal(err)
	}
	check("another nonce", consensus.RuleTarget, other, func(*consensus.Header) {})
}

// TestSecureTargetIsMet stands on both sides of a target.
func TestSecureTargetIsMet(t *testing.T) {
	_, r, headers := secureChain(t)
	b, err := r.NewBlock(headers[0], 5, headers[0].Timestamp+1, []consensus.Transaction{r.RewardTo(wallet.DevelopmentKey("alice").Address().String())})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(headers[0].ProofText() + b.Header().ProofText() + headers[0].Hash.String()))
	for i := range r.Easiest {
		r.Easiest[i] = 0xff
	}
	if r.First = sum; r.CheckLink(headers[0], b) != nil {
		t.Error("a hash that is the target is refused")
	}
	if r.First[31]--; brokenRule(r.CheckLink(headers[0], b)) != consensus.RuleTarget {
		t.Error("a hash just above the target is accepted")
	}
}

// TestSecureTimeRules stands on both sides of what a clock allows.
func TestSecureTimeRules(t *testing.T) {
	all, _, _ := secureChain(t)
	for _, c := range []struct {
		seconds int
		ahead   time.Duration
		future  bool
	}{
		{10, 30 * time.Second, false}, {10, 31 * time.Second, true},
		{1, 15 * time.Second, false}, {1, 16 * time.Second, true}, {1, -time.Hour, false}, {600, 30 * time.Minute, false}, {600, 1801 * time.Second, true},
	} {
		r, err := consensus.ReadRules(fmt.Appendf(nil, `{"name": "a", "profile": "secure", "block_seconds": %d, "genesis": %s}`, c.seconds, all[0].Block))
		if err != nil {
			t.Fatal(err)
		}
		b, err := r.ParseBlock([]byte(all[39].Block))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(int64(b.Header().Timestamp), 0)
		if err := r.CheckTime(b, now.Add(-c.ahead)); errors.Is(err, consensus.ErrFuture) != c.future {
			t.Errorf("%+v: %v", c, err)
		}
		// A block on it is later than b, so it needs a little more.
		if err := r.CheckClock(b.Header(), now.Add(-c.ahead-time.Microsecond)); errors.Is(err, consensus.ErrFuture) != (c.future || c.ahead == r.MaxAhead) {
			t.Errorf("%+v: a block on it: %v", c, err)
		}
	}
	if err := consensus.Classic().CheckClock(consensus.Header{Timestamp: 1e11}, time.Unix(0, 0)); err != nil {
		t.Errorf("classic: %v", err)
	}
}

// FuzzParseProof: a proof has one text.
func FuzzParseProof(f *testing.F) {
	for _, v := range vectors[chainVector](f, "secure_chain.jsonl", 40)[1:] {
		_, rest, _ := strings.Cut(v.Block, `"proof": "`)
		proof, _, _ := strings.Cut(rest, `"`)
		f.Add(proof)
	}
	f.Fuzz(func(t *testing.T, text string) {
		root, nonce, err := consensus.ParseProof(text)
		if again := (consensus.Header{Root: root, Proof: nonce}).ProofText(); err == nil && again != text && root != (consensus.Hash{}) {
			t.Fatalf("%q reads as %s", text, again)
		}
	})
}
