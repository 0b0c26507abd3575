package consensus

import "kuai/chain/canonical"

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
	if !text.transaction(r, &t) || text.pos != len(raw) || !t.hasID() || t.reward(raw) {
		return Payment{}, r.whyNotPending(raw)
	}
	p := Payment{canonical: string(raw)}
	canonical.DecodeHex(p.id[:], p.canonical[t.id:t.id+2*len(p.id)])
	return p, nil
}

// NewPayment checks t as a payment. Errors are *InvalidError.
func (r *Rules) NewPayment(t Transaction) (Payment, error) {
	return r.ParsePayment(t.AppendCanonical(make([]byte, 0, 256)))
}

// ReadPayment reads a payment from an HTTP body: any spelling, other keys ignored; it gets id if it has none.
// Errors are *canonical.SyntaxError, *MissingError and *InvalidError.
func (r *Rules) ReadPayment(text []byte, id ID) (Payment, error) {
	v, err := canonical.Read(text)
	if err != nil {
		return Payment{}, err
	}
	body, _ := v.(canonical.Object)
	if missing := missingKeys(body, "sender", "recipient", "amount"); missing != nil {
		return Payment{}, &MissingError{Keys: missing}
	}
	var o canonical.Object
	for _, key := range []string{"amount", "id", "recipient", "sender"} {
		if v, ok := body.Get(key); ok {
			o = append(o, canonical.Member{Key: key, Value: v})
		}
	}
	if _, ok := o.Get("id"); !ok {
		o = append(o, canonical.Member{Key: "id", Value: id.String()})
	}
	t, err := r.checkPayment(o)
	if err != nil {
		return Payment{}, err
	}
	return Payment{t.ID, string(t.AppendCanonical(nil))}, nil
}

func missingKeys(o canonical.Object, want ...string) (missing []string) {
	for _, key := range want {
		if _, ok := o.Get(key); !ok {
			missing = append(missing, key)
		}
	}
	return missing
}
