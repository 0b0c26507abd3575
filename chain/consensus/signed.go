package consensus

import (
	"crypto/ed25519"

	"kuai/chain/canonical"
)

// RuleSignature is the rule of a payment on a secure network that the classic one lacks.
const (
	RuleSignature Rule = "signature" // 128 lower-case hex digits that sign the payment for this network
)

// MaxAmount is the largest amount of a secure network, 2^53-1: what a JavaScript reader counts without gaps.
const MaxAmount = 1<<53 - 1

// SignPayment fills in sender and signature of t: those of key, for the network with that id.
func SignPayment(key ed25519.PrivateKey, network string, t Transaction) Transaction {
	t.Sender = Address(key.Public().(ed25519.PublicKey)).String()
	t.Signature = Signature(ed25519.Sign(key, t.AppendSigned(nil, network)))
	t.HasSignature = true
	return t
}

// signatureDomain is the first line of what is signed. A key that also signs other texts never signs a payment by accident.
const signatureDomain = "kuai-tx-1\n"

// AppendSigned appends the bytes that the sender signs: the domain, the network's id and the canonical payment without a signature,
// each of the first two on a line of its own. The network is in it, so that a payment is valid on one network only.
func (t Transaction) AppendSigned(dst []byte, network string) []byte {
	t.HasSignature = false
	return t.AppendCanonical(append(dst, signedPrefix(network)...))
}

func signedPrefix(network string) string { return signatureDomain + network + "\n" }

// CheckSignature checks that the sender signed t for the network with that id. Errors are *InvalidError.
func (t Transaction) CheckSignature(network string) error {
	return signaturesFor(network).Check(t.AppendCanonical(nil))
}

// Signatures checks the signatures of payments for one network. To check one takes some 60 µs, most of what a payment takes, so the
// caller may do it in parallel, and once for a payment that comes again in a block.
type Signatures struct{ prefix string }

// Signatures returns the check for this network, which is a secure one.
func (r *Rules) Signatures() Signatures { return signaturesFor(r.Network()) }

func signaturesFor(network string) Signatures { return Signatures{signedPrefix(network)} }

// Check checks the signature of a payment in canonical form that breaks no other rule. Errors are *InvalidError.
func (s Signatures) Check(payment []byte) error {
	i := signatureStart(payment)
	if i < 0 {
		return Invalid(RuleSignature, "the payment is not signed")
	}
	sender := string(partsOf(payment).Sender)
	a, err := ParseAddress(sender)
	if err != nil {
		return Invalid(RuleSender, "%s", err)
	}
	var signature Signature
	digits := payment[i+len(signatureMark):]
	canonical.DecodeHex(signature[:], digits[:2*len(signature)])
	message := make([]byte, 0, len(s.prefix)+i+len(`"}`))
	message = append(append(append(message, s.prefix...), payment[:i]...), `"}`...)
	if !a.ValidSignature(message, signature) {
		return Invalid(RuleSignature, "the signature is not that of %s for this payment on the network %s", sender, s.network())
	}
	return nil
}

func (s Signatures) network() string { return s.prefix[len(signatureDomain) : len(s.prefix)-1] }

// CheckBlock checks the signatures of the block's payments, one after the other. Errors are *InvalidError.
func (s Signatures) CheckBlock(b *Block) error {
	for _, raw := range b.Spans() {
		if signatureStart(raw) < 0 {
			continue // the reward
		}
		if err := s.Check(raw); err != nil {
			return err
		}
	}
	return nil
}

var signedKeys = []string{"amount", "id", "recipient", "sender", "signature"}

// ParseSigned reads a signed payment that must be canonical, of any secure network. It does not check the signature. Errors are
// *InvalidError.
func ParseSigned(raw []byte) (Transaction, error) {
	v, err := readCanonical(raw)
	if err != nil {
		return Transaction{}, err
	}
	return readPayment(v, "", true)
}

// readPayment reads a payment of a secure network, signed or not; where is its position in the block, for the error.
func readPayment(v canonical.Value, where string, signed bool) (t Transaction, err error) {
	o, ok := v.(canonical.Object)
	if !ok {
		return t, Invalid(RuleTransactionKeys, "%sexpected an object, found %s", where, canonical.Describe(v))
	}
	keys := signedKeys
	if !signed {
		keys = signedKeys[:len(signedKeys)-1]
	}
	if err := checkKeys(o, keys); err != nil {
		return t, Invalid(RuleTransactionKeys, "%s%s", where, err)
	}
	amount, _ := o.Get("amount")
	if n, ok := integer(amount); !ok || n < 1 || n > MaxAmount {
		return t, Invalid(RuleAmount, "%samount %s is not an integer from 1 to 2^53-1", where, canonical.Describe(amount))
	}
	for _, part := range []struct {
		key   string
		rule  Rule
		check func(string) error
	}{
		{"id", RuleID, func(s string) error { _, err := ParseID(s); return err }},
		{"recipient", RuleRecipient, func(s string) error { _, err := ParseAddress(s); return err }},
		{"sender", RuleSender, func(s string) error { _, err := ParseAddress(s); return err }},
		{"signature", RuleSignature, func(s string) error { _, err := ParseSignature(s); return err }},
	}[:len(keys)-1] {
		v, _ := o.Get(part.key)
		s, ok := v.(string)
		if !ok {
			return t, Invalid(part.rule, "%s%s is %s, not a string", where, part.key, canonical.Describe(v))
		}
		if err := part.check(s); err != nil {
			return t, Invalid(part.rule, "%s%s", where, err)
		}
	}
	return transactionOf(o), nil
}
