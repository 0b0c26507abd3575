package consensus_test

import (
	"errors"
	"strings"
	"testing"

	"kuai/chain/consensus"
)

// TestSignedPaymentRules breaks each rule of a payment from each side.
func TestSignedPaymentRules(t *testing.T) {
	v := signatureVectors(t)[0]
	p := v.payment(t)
	swap := func(old, text string) string {
		if !strings.Contains(v.Payment, old) {
			t.Fatalf("%s has no %s", v.Payment, old)
		}
		return strings.Replace(v.Payment, old, text, 1)
	}
	id, recipient, sender, signature := p.ID.String(), p.Recipient.String(), p.Sender.String(), p.Signature.String()
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
		got, err := consensus.Classic().ParseSigned([]byte(c.text))
		if wrong := brokenRule(err); wrong != c.rule {
			t.Errorf("%s: broke %q, want %q: %v", name, wrong, c.rule, err)
		}
		if err == nil && string(got.AppendCanonical(nil)) != c.text {
			t.Errorf("%s: read as %s", name, got.AppendCanonical(nil))
		}
	}
	for name, forge := range map[string]func(*consensus.SignedPayment){
		"amount":    func(p *consensus.SignedPayment) { p.Amount++ },
		"id":        func(p *consensus.SignedPayment) { p.ID[15] ^= 1 },
		"recipient": func(p *consensus.SignedPayment) { p.Recipient = p.Sender },
		"sender":    func(p *consensus.SignedPayment) { p.Sender = p.Recipient },
		"signature": func(p *consensus.SignedPayment) { p.Signature[0] ^= 1 },
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

// FuzzParseSigned: what is read has one spelling.
func FuzzParseSigned(f *testing.F) {
	for _, v := range signatureVectors(f) {
		f.Add([]byte(v.Payment))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := consensus.Classic().ParseSigned(raw)
		switch {
		case err == nil && string(p.AppendCanonical(nil)) != string(raw):
			t.Fatalf("%q reads as %s", raw, p.AppendCanonical(nil))
		case err != nil && strings.HasPrefix(string(brokenRule(err)), "none"):
			t.Fatalf("%q: %v", raw, err)
		}
	})
}
