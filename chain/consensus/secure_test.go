package consensus_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"kuai/chain/consensus"
)

type chainVector struct{ Block, Hash, Target string }

// genesisHeader reads the first block of the vectors.
func genesisHeader(t testing.TB, text string) consensus.SecureHeader {
	t.Helper()
	var g struct {
		Index     int64
		Proof     json.Number
		Timestamp float64
	}
	if err := json.Unmarshal([]byte(text), &g); err != nil {
		t.Fatal(err)
	}
	return consensus.SecureHeader{Hash: sha256.Sum256([]byte(text)), Index: g.Index, Proof: g.Proof.String(), Timestamp: g.Timestamp}
}

// secureChain returns the vectors with the pace that their blocks follow, and the header of each.
func secureChain(t testing.TB) (all []chainVector, p consensus.Pace, headers []consensus.SecureHeader) {
	t.Helper()
	all = vectors[chainVector](t, "secure_chain.jsonl", 40)
	parent := genesisHeader(t, all[0].Block)
	p = consensus.Pace{First: consensus.MaxTarget, BlockTime: 10, Start: int64(parent.Timestamp)}
	headers = append(headers, parent)
	for i, v := range all[1:] {
		b, err := consensus.Classic().ParseSecureBlock([]byte(v.Block))
		if err != nil {
			t.Fatalf("block %d: %v", i+2, err)
		}
		headers = append(headers, b.Header)
	}
	return all, p, headers
}

// TestSecureChainVectors checks the mined chain end to end: form, root, signatures, target and proof.
func TestSecureChainVectors(t *testing.T) {
	all, pace, headers := secureChain(t)
	if headers[0].Hash.String() != all[0].Hash {
		t.Fatalf("genesis %s", headers[0].Hash)
	}
	payments := 0
	for i, v := range all[1:] {
		parent := headers[i]
		b, err := consensus.Classic().ParseSecureBlock([]byte(v.Block))
		if err != nil {
			t.Fatal(err)
		}
		target := pace.Next(parent.Index, parent.Timestamp)
		if err := errors.Join(b.CheckSignatures(networkOfVectors), consensus.CheckSecureLink(parent, target, b)); err != nil {
			t.Fatalf("block %d: %v", i+2, err)
		}
		if b.Header.Hash.String() != v.Hash || target.String() != v.Target {
			t.Errorf("block %d: hash %s, target %s; CPython says %s, %s", i+2, b.Header.Hash, target, v.Hash, v.Target)
		}
		payments += len(b.Payments)
	}
	if payments == 0 {
		t.Error("the vectors hold no payment")
	}
}

const networkOfVectors = "0123456789abcdef-2"

// TestSecureBlockRules breaks each rule of a block's own bytes.
func TestSecureBlockRules(t *testing.T) {
	all, _, _ := secureChain(t)
	valid := all[39].Block
	b, err := consensus.Classic().ParseSecureBlock([]byte(valid))
	if err != nil || len(b.Payments) < 2 {
		t.Fatalf("%d payments, %v", len(b.Payments), err)
	}
	swap := func(old, text string) string {
		if !strings.Contains(valid, old) {
			t.Fatalf("the block has no %s", old)
		}
		return strings.Replace(valid, old, text, 1)
	}
	proof, reward := b.Sealed.String(), fmt.Sprintf(`{"amount": 1, "recipient": "%s", "sender": "0"}`, b.Recipient)
	first := string(b.Payments[0].AppendCanonical(nil))
	for name, c := range map[string]struct {
		text string
		rule consensus.Rule
	}{
		"valid":                    {valid, ""},
		"another nonce":            {swap(proof, b.Sealed.Root.String()+".0"), ""}, // the target is the parent's affair
		"the size":                 {valid + strings.Repeat(" ", 1<<18), consensus.RuleBlockSize},
		"a newline":                {valid + "\n", consensus.RuleCanonical},
		"an array":                 {"[]", consensus.RuleBlockKeys},
		"a key more":               {swap(`{"index"`, `{"a": 1, "index"`), consensus.RuleBlockKeys},
		"index 1":                  {swap(`"index": 40`, `"index": 1`), consensus.RuleIndex},
		"index is text":            {swap(`"index": 40`, `"index": "40"`), consensus.RuleIndex},
		"previous hash too short":  {swap(b.Header.Previous.String(), "ab"), consensus.RulePreviousHash},
		"proof is a number":        {swap(`"`+proof+`"`, "5"), consensus.RuleProofForm},
		"no nonce":                 {swap(proof, b.Sealed.Root.String()+"."), consensus.RuleProofForm},
		"no dot":                   {swap(proof, b.Sealed.Root.String()), consensus.RuleProofForm},
		"nonce with a zero":        {swap(proof, b.Sealed.Root.String()+".01"), consensus.RuleProofForm},
		"nonce below 0":            {swap(proof, b.Sealed.Root.String()+".-1"), consensus.RuleProofForm},
		"nonce 2^63":               {swap(proof, b.Sealed.Root.String()+".9223372036854775808"), consensus.RuleProofForm},
		"nonce 2^63-1":             {swap(proof, b.Sealed.Root.String()+".9223372036854775807"), ""},
		"root in upper case":       {swap(proof, strings.ToUpper(proof)), consensus.RuleProofForm},
		"timestamp 0":              {swap("1790000338.0", "0"), consensus.RuleTimestamp},
		"timestamp 2^53":           {swap("1790000338.0", "9007199254740992.0"), consensus.RuleTimestamp},
		"timestamp is text":        {swap("1790000338.0", `"now"`), consensus.RuleTimestamp},
		"no transactions":          {valid[:strings.Index(valid, "[")] + "[]}", consensus.RuleTransactionCount},
		"transactions are none":    {valid[:strings.Index(valid, "[")] + "null}", consensus.RuleTransactionCount},
		"a payment without a key":  {swap(`"id": "`+b.Payments[0].ID.String()+`", `, ""), consensus.RuleTransactionKeys},
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
		"another parent":           {swap(b.Header.Previous.String(), strings.Repeat("0", 64)), consensus.RuleRoot},
		"a payment less":           {swap(first+", ", ""), consensus.RuleRoot},
		"another reward recipient": {swap(reward, strings.Replace(reward, b.Recipient.String(), b.Payments[0].Sender.String(), 1)), consensus.RuleRoot},
	} {
		if _, err := consensus.Classic().ParseSecureBlock([]byte(c.text)); brokenRule(err) != c.rule {
			t.Errorf("%s: broke %q, want %q: %v", name, brokenRule(err), c.rule, err)
		}
	}
}

// TestSecureLinkRules breaks each rule between a block and its parent.
func TestSecureLinkRules(t *testing.T) {
	all, pace, headers := secureChain(t)
	parent := headers[38]
	target := pace.Next(parent.Index, parent.Timestamp)
	b, err := consensus.Classic().ParseSecureBlock([]byte(all[39].Block))
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, want consensus.Rule, change func(parent *consensus.SecureHeader, target *consensus.Target, b *consensus.SecureBlock)) {
		t.Helper()
		p, tg, c := parent, target, *b
		change(&p, &tg, &c)
		if err := consensus.CheckSecureLink(p, tg, &c); brokenRule(err) != want {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	type (
		h = *consensus.SecureHeader
		g = *consensus.Target
		k = *consensus.SecureBlock
	)
	check("valid", "", func(h, g, k) {})
	check("another parent", consensus.RuleParent, func(p h, _ g, _ k) { p.Hash[0] ^= 1 })
	check("index too high", consensus.RuleIndexStep, func(_ h, _ g, c k) { c.Header.Index++ })
	check("index too low", consensus.RuleIndexStep, func(_ h, _ g, c k) { c.Header.Index-- })
	check("the parent's timestamp", consensus.RuleTimestampStep, func(p h, _ g, c k) { c.Header.Timestamp = p.Timestamp })
	check("before the parent", consensus.RuleTimestampStep, func(p h, _ g, c k) { c.Header.Timestamp = p.Timestamp - 1 })
	check("just after the parent", "", func(p h, _ g, c k) { c.Header.Timestamp = p.Timestamp + 0.001 })
	check("another nonce", consensus.RuleTarget, func(_ h, _ g, c k) { c.Header.Proof = b.Sealed.Root.String() + ".0" })
	check("another proof of the parent", consensus.RuleTarget, func(p h, _ g, _ k) { p.Proof += "0" })
	sum := consensus.Target(sha256.Sum256([]byte(parent.Proof + b.Header.Proof + parent.Hash.String())))
	check("a hash that is the target", "", func(_ h, tg g, _ k) { *tg = sum })
	sum[31]-- // no borrow below: the vectors are fixed
	check("a hash just above the target", consensus.RuleTarget, func(_ h, tg g, _ k) { *tg = sum })

	now := time.Unix(int64(b.Header.Timestamp), 0)
	for _, c := range []struct {
		blockTime, ahead time.Duration
		future           bool
	}{
		{10 * time.Second, 30 * time.Second, false}, {10 * time.Second, 31 * time.Second, true},
		{time.Second, 15 * time.Second, false}, {time.Second, 16 * time.Second, true}, {time.Second, -time.Hour, false},
	} {
		if err := consensus.CheckSecureTime(b, c.blockTime, now.Add(-c.ahead)); errors.Is(err, consensus.ErrFuture) != c.future {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if err := b.CheckSignatures("0123456789abcdef-3"); brokenRule(err) != consensus.RuleSignature {
		t.Errorf("another network: %v", err)
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
		if p, err := consensus.ParseProof(text); err == nil && p.String() != text {
			t.Fatalf("%q reads as %s", text, p)
		}
	})
}
