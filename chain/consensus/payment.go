package consensus

import (
	"kuai/chain/canonical"
)

// Payment is a pending transaction that breaks no rule, with its canonical bytes. Rules.ParsePayment, Rules.ReadPayment and
// Rules.NewPayment make it. It is a value; payments of the same bytes are equal.
type Payment struct {
	id        ID
	canonical string
}

// ID returns the payment's id.
func (p Payment) ID() ID { return p.id }

// Transaction returns the payment as a block holds it. Its strings are parts of Canonical where they can be.
func (p Payment) Transaction() Transaction { return decodeTransaction(p.canonical) }

// Canonical returns the canonical bytes.
func (p Payment) Canonical() string { return p.canonical }

// ParsePayment reads a payment that must be canonical and carry an id. Errors are *InvalidError.
func (r *Rules) ParsePayment(raw []byte) (Payment, error) {
	text := parser{raw: raw}
	var t transactionText
	if !text.payment(r, &t) || text.pos != len(raw) || !t.hasID() || t.reward(raw) {
		return Payment{}, r.whyNotPending(raw)
	}
	p := Payment{canonical: string(raw)}
	canonical.DecodeHex(p.id[:], p.canonical[t.id:t.id+2*len(p.id)])
	return p, nil
}

// payment consumes a transaction of the profile.
func (p *parser) payment(r *Rules, t *transactionText) bool {
	if r.IsSecure() {
		return p.signed(r, t)
	}
	return p.transaction(r, t)
}

// NewPayment checks t as a payment. Errors are *InvalidError.
func (r *Rules) NewPayment(t Transaction) (Payment, error) {
	return r.ParsePayment(t.AppendCanonical(make([]byte, 0, 256)))
}

// ReadPayment reads a payment from an HTTP body: any spelling, other keys ignored; it gets id if it has none. On a secure network
// it must be signed, and have all its keys and no other, as the sender has signed them; its signature is not checked. Errors are
// *canonical.SyntaxError, *MissingError and *InvalidError.
func (r *Rules) ReadPayment(text []byte, id ID) (Payment, error) {
	o, err := r.readKeys(text, id)
	if err != nil {
		return Payment{}, err
	}
	return r.ParsePayment(canonical.AppendValue(make([]byte, 0, 256), o))
}

// ReadUnsigned is ReadPayment for a payment that its sender has still to sign, on a secure network. A signature that it has is dropped.
func (r *Rules) ReadUnsigned(text []byte, id ID) (Transaction, error) {
	o, err := readParts(text, id)
	if err != nil {
		return Transaction{}, err
	}
	return readPayment(o, "", false)
}

// readKeys reads the object that ReadPayment checks.
func (r *Rules) readKeys(text []byte, id ID) (canonical.Object, error) {
	if !r.IsSecure() {
		return readParts(text, id)
	}
	v, err := canonical.Read(text)
	if err != nil {
		return nil, err
	}
	o, _ := v.(canonical.Object)
	if missing := missingKeys(o, "sender", "recipient", "amount", "signature"); missing != nil {
		return nil, &MissingError{Keys: missing}
	}
	return o, nil // a missing id or another key breaks a rule
}

// readParts reads an object in any spelling that has the tutorial's keys, and keeps those and the id.
func readParts(text []byte, id ID) (canonical.Object, error) {
	v, err := canonical.Read(text)
	if err != nil {
		return nil, err
	}
	body, _ := v.(canonical.Object)
	if missing := missingKeys(body, "sender", "recipient", "amount"); missing != nil {
		return nil, &MissingError{Keys: missing}
	}
	o := canonical.Object{{Key: "amount"}, {Key: "id"}, {Key: "recipient"}, {Key: "sender"}}
	for i, m := range o {
		own, ok := body.Get(m.Key)
		if !ok {
			own = id.String()
		}
		o[i].Value = own
	}
	return o, nil
}

func missingKeys(o canonical.Object, want ...string) (missing []string) {
	for _, key := range want {
		if _, ok := o.Get(key); !ok {
			missing = append(missing, key)
		}
	}
	return missing
}
