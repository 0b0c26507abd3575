package consensus

import (
	"crypto/ed25519"
	"encoding/hex"
	"strconv"

	"kuai/chain/canonical"
)

// The rules of a payment on a secure network, beside those of its size, form and id that it shares with the classic one.
const (
	RuleSignature Rule = "signature" // 128 lower-case hex digits that sign the payment for this network
)

// MaxAmount is the largest amount of a secure network, 2^53-1: what a JavaScript reader counts without gaps.
const MaxAmount = 1<<53 - 1

// SignedPayment is a payment of a secure network. It is a value; AppendCanonical has its only wire form. Rules.ParseSigned and
// SignPayment make it.
type SignedPayment struct {
	Sender, Recipient Address
	Amount            int64 // 1 to MaxAmount
	ID                ID    // chosen by the sender; it occurs once on a chain, so nobody can send the payment again
	Signature         Signature
}

// SignPayment fills in sender and signature: those of key, for the network with that id.
func SignPayment(key ed25519.PrivateKey, network string, p SignedPayment) SignedPayment {
	p.Sender = Address(key.Public().(ed25519.PublicKey))
	p.Signature = Signature(ed25519.Sign(key, p.AppendSigned(nil, network)))
	return p
}

// Unsigned returns the payment without its signature.
func (p SignedPayment) Unsigned() Transaction {
	amount := canonical.Number(strconv.FormatInt(p.Amount, 10))
	return Transaction{Sender: p.Sender.String(), Recipient: p.Recipient.String(), Amount: amount, ID: p.ID, HasID: true}
}

// AppendCanonical appends the canonical bytes, the signature included.
func (p SignedPayment) AppendCanonical(dst []byte) []byte {
	dst = p.Unsigned().AppendCanonical(dst)
	dst = append(dst[:len(dst)-len(`}`)], `, "signature": "`...)
	dst = hex.AppendEncode(dst, p.Signature[:])
	return append(dst, `"}`...)
}

// signatureDomain is the first line of what is signed. A key that also signs other texts never signs a payment by accident.
const signatureDomain = "kuai-tx-1\n"

// AppendSigned appends the bytes that the sender signs: the domain, the network's id and the canonical payment without a signature,
// each of the first two on a line of its own. The network is in it, so that a payment is valid on one network only.
func (p SignedPayment) AppendSigned(dst []byte, network string) []byte {
	dst = append(dst, signatureDomain...)
	dst = append(dst, network...)
	dst = append(dst, '\n')
	return p.Unsigned().AppendCanonical(dst)
}

// CheckSignature checks that the sender signed the payment for the network with that id. It takes most of the time of a check, so the
// caller may do it in parallel, and once for a payment that comes again in a block. Errors are *InvalidError.
func (p SignedPayment) CheckSignature(network string) error {
	if !p.Sender.ValidSignature(p.AppendSigned(nil, network), p.Signature) {
		return Invalid(RuleSignature, "the signature is not that of %s for this payment on the network %s", p.Sender, network)
	}
	return nil
}

var signedKeys = []string{"amount", "id", "recipient", "sender", "signature"}

// ParseSigned reads a payment that must be canonical. It does not check the signature. Errors are *InvalidError.
func (r *Rules) ParseSigned(raw []byte) (SignedPayment, error) {
	if len(raw) > r.MaxTransactionBytes {
		return SignedPayment{}, Invalid(RuleTransactionSize, "%d bytes, at most %d", len(raw), r.MaxTransactionBytes)
	}
	v, err := readCanonical(raw)
	if err != nil {
		return SignedPayment{}, err
	}
	return readSigned(v, "")
}

// readSigned reads a payment; where is its position in the block, for the error.
func readSigned(v canonical.Value, where string) (p SignedPayment, err error) {
	o, ok := v.(canonical.Object)
	if !ok {
		return p, Invalid(RuleTransactionKeys, "%sexpected an object, found %s", where, canonical.Describe(v))
	}
	if err := checkKeys(o, signedKeys); err != nil {
		return p, Invalid(RuleTransactionKeys, "%s%s", where, err)
	}
	amount, _ := o.Get("amount")
	if p.Amount, ok = integer(amount); !ok || p.Amount < 1 || p.Amount > MaxAmount {
		return p, Invalid(RuleAmount, "%samount %s is not an integer from 1 to 2^53-1", where, canonical.Describe(amount))
	}
	for _, part := range []struct {
		key   string
		rule  Rule
		parse func(string) error
	}{
		{"id", RuleID, func(s string) (err error) { p.ID, err = ParseID(s); return }},
		{"recipient", RuleRecipient, func(s string) (err error) { p.Recipient, err = ParseAddress(s); return }},
		{"sender", RuleSender, func(s string) (err error) { p.Sender, err = ParseAddress(s); return }},
		{"signature", RuleSignature, func(s string) (err error) { p.Signature, err = ParseSignature(s); return }},
	} {
		v, _ := o.Get(part.key)
		s, ok := v.(string)
		if !ok {
			return p, Invalid(part.rule, "%s%s is %s, not a string", where, part.key, canonical.Describe(v))
		}
		if err := part.parse(s); err != nil {
			return p, Invalid(part.rule, "%s%s", where, err)
		}
	}
	return p, nil
}
