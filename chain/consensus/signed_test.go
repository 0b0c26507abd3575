package consensus_test

import (
	"errors"
	"strings"
	"testing"

	"kuai/chain/consensus"
)

// TestSignedPaymentRules breaks each rule of a payment from each side.
func TestSignedPaymentRules(t *testing.T) {
	r, v := consensus.Secure(), signatureVectors(t)[0]
	p := v.payment(t)
	swap := func(old, text string) string {
		if !strings.Contains(v.Payment, old) {
			t.Fatalf("%s has no %s", v.Payment, old)
		}
		return strings.Replace(v.Payment, old, text, 1)
	}
	id, recipient, sender, signature := p.ID.String(), p.Recipient, p.Sender, p.Signature.String()
	for name, c := range map[string]struct {
		text string
		rule consensus.Rule
	}{
		"valid":                      {v.Payment, ""},
		"the least amount":           {swap("222337", "1"), ""},
		"the largest amount":         {swap("222337", "9007199254740991"), ""},
		"the size":                   {swap(id, strings.Repeat("0", 4096)), consensus.RuleTransactionSize},
		"no JSON":                    {"{", consensus.RuleCanonical},
		"no space":                   {swap(`": `, `":`), consensus.RuleCanonical},
		"keys out of order":          {swap(`"amount": 222337, "id": "`+id+`"`, `"id": "`+id+`", "amount": 222337`), consensus.RuleCanonical},
		"trailing newline":           {v.Payment + "\n", consensus.RuleCanonical},
		"an array":                   {"[]", consensus.RuleTransactionKeys},
		"a key more":                 {swap(`{"amount"`, `{"a": 1, "amount"`), consensus.RuleTransactionKeys},
		"no id":                      {swap(`"id": "`+id+`", `, ""), consensus.RuleTransactionKeys},
		"no signature":               {swap(`, "signature": "`+signature+`"`, ""), consensus.RuleTransactionKeys},
		"amount 0":                   {swap("222337", "0"), consensus.RuleAmount},
		"amount below 0":             {swap("222337", "-1"), consensus.RuleAmount},
		"amount past the largest":    {swap("222337", "9007199254740992"), consensus.RuleAmount},
		"a float":                    {swap("222337", "222337.0"), consensus.RuleAmount},
		"amount is text":             {swap("222337", `"222337"`), consensus.RuleAmount},
		"an id too short":            {swap(id, id[1:]), consensus.RuleID},
		"an id in upper case":        {swap(id, strings.ToUpper(id)), consensus.RuleID},
		"id is a number":             {swap(`"`+id+`"`, "5"), consensus.RuleID},
		"recipient is a name":        {swap(recipient, "alice"), consensus.RuleRecipient},
		"recipient is null":          {swap(`"`+recipient+`"`, "null"), consensus.RuleRecipient},
		"sender is the reward's":     {swap(sender, "0"), consensus.RuleSender},
		"sender is a number":         {swap(`"`+sender+`"`, "0"), consensus.RuleSender},
		"signature too short":        {swap(signature, signature[2:]), consensus.RuleSignature},
		"signature too long":         {swap(signature, signature+"00"), consensus.RuleSignature},
		"signature in upper case":    {swap(signature, strings.ToUpper(signature)), consensus.RuleSignature},
		"signature is not a string":  {swap(`"`+signature+`"`, "{}"), consensus.RuleSignature},
		"recipient with a character": {swap(recipient, recipient+"x"), consensus.RuleRecipient},
	} {
		got, err := r.ParsePayment([]byte(c.text))
		if wrong := brokenRule(err); wrong != c.rule {
			t.Errorf("%s: broke %q, want %q: %v", name, wrong, c.rule, err)
		}
		if err == nil && got.Canonical() != c.text {
			t.Errorf("%s: read as %s", name, got.Canonical())
		}
	}
	for name, forge := range map[string]func(*consensus.Transaction){
		"amount":    func(p *consensus.Transaction) { p.Amount += "0" },
		"id":        func(p *consensus.Transaction) { p.ID[15] ^= 1 },
		"recipient": func(p *consensus.Transaction) { p.Recipient = p.Sender },
		"sender":    func(p *consensus.Transaction) { p.Sender = p.Recipient },
		"signature": func(p *consensus.Transaction) { p.Signature[0] ^= 1 },
	} {
		forged := p
		forge(&forged)
		if err := forged.CheckSignature(v.Network); brokenRule(err) != consensus.RuleSignature {
			t.Errorf("another %s: %v", name, err)
		}
	}
}

// brokenRule returns the rule that err names, "" for no error.
func brokenRule(err error) consensus.Rule {
	var invalid *consensus.InvalidError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &invalid):
		return invalid.Rule
	}
	return "none: " + consensus.Rule(err.Error())
}

// FuzzParseSigned: what is read has one spelling, and the strict parser and the reader of reasons agree.
func FuzzParseSigned(f *testing.F) {
	for _, v := range signatureVectors(f) {
		f.Add([]byte(v.Payment))
	}
	r := consensus.Secure()
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := r.ParsePayment(raw)
		if err == nil && string(p.Transaction().AppendCanonical(nil)) != string(raw) {
			t.Fatalf("%q reads as %s", raw, p.Transaction().AppendCanonical(nil))
		}
		if err != nil && (strings.HasPrefix(string(brokenRule(err)), "none") || strings.Contains(err.Error(), "a fault of this program")) {
			t.Fatalf("%q: %v", raw, err)
		}
		if _, read := consensus.ParseSigned(raw); len(raw) <= r.MaxTransactionBytes && (read == nil) != (err == nil) {
			t.Fatalf("%q: %v, and %v", raw, err, read)
		}
	})
}

// FuzzParseSecureBlock: the strict parser and the reader of reasons agree, and what is read has one spelling.
func FuzzParseSecureBlock(f *testing.F) {
	all, r, _ := secureChain(f)
	for _, v := range all[1:] {
		f.Add([]byte(v.Block))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := r.ParseBlock(raw)
		if err != nil {
			if strings.Contains(err.Error(), "a fault of this program") {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		h := b.Header()
		if h.Index == 1 {
			return
		}
		again, err := r.NewBlock(consensus.Header{Hash: h.Previous, Index: h.Index - 1}, h.Proof, h.Timestamp, b.Transactions())
		if err == nil && again.Hash() != b.Hash() && again.Header().Root == h.Root {
			t.Fatalf("%q is built anew as %q", raw, again.Canonical())
		}
	})
}
