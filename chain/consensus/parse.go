package consensus

import (
	"crypto/sha256"

	"kuai/chain/canonical"
)

// The strict parser reads a block once, from left to right, and proves on the way that its bytes are canonical and that
// they break no rule. It allocates nothing. It says only yes or no; explain.go has the reasons.

// parser is a position in a text. A method that returns false leaves it anywhere; the text is refused then.
type parser struct {
	raw []byte
	pos int
}

// block reads a whole block into b, all but its hash.
func (p *parser) block(r *Rules, b *Block) bool {
	h := &b.header
	return p.literal(`{"index": `) && p.integer(&h.Index) && h.Index >= 2 &&
		p.literal(`, "previous_hash": "`) && p.hash(&h.Previous) &&
		p.literal(`", "proof": `) && p.integer(&h.Proof) && h.Proof < MaxProof &&
		p.literal(`, "timestamp": `) && p.positive(&h.Timestamp) && h.Timestamp < MaxTimestamp &&
		p.literal(`, "transactions": [`) && p.transactions(r, &b.count) &&
		p.literal(`]}`) && p.pos == len(p.raw)
}

// anyBlock reads a block of the profile.
func (p *parser) anyBlock(r *Rules, b *Block) bool {
	if r.IsSecure() {
		return p.secureBlock(r, b)
	}
	return p.block(r, b)
}

// literal consumes s.
func (p *parser) literal(s string) bool {
	end := p.pos + len(s)
	if end > len(p.raw) || string(p.raw[p.pos:end]) != s {
		return false
	}
	p.pos = end
	return true
}

// integer consumes an integer from 0 to 2^63-1.
func (p *parser) integer(dst *int64) bool {
	value, n := canonical.ScanUint(p.raw[p.pos:])
	*dst = int64(value)
	p.pos += n
	return n > 0 && value <= 1<<63-1
}

// hash consumes 64 lower-case hex digits.
func (p *parser) hash(dst *Hash) bool {
	end := p.pos + 2*len(dst)
	if end > len(p.raw) || !canonical.DecodeHex(dst[:], p.raw[p.pos:end]) {
		return false
	}
	p.pos = end
	return true
}

// transactions consumes 1 to MaxBlockTransactions transactions, the last a reward and no other.
func (p *parser) transactions(r *Rules, count *int) bool {
	ids := idSet{raw: p.raw, most: r.MaxBlockTransactions}
	defer ids.release()
	var t transactionText
	for n := 1; n <= r.MaxBlockTransactions; n++ {
		if !p.transaction(r, &t) {
			return false
		}
		if t.reward(p.raw) {
			*count = n
			return t.amountIs(p.raw, r.Reward) && !t.hasID()
		}
		if t.hasID() && !ids.add(t.id) || !p.literal(", ") {
			return false
		}
	}
	return false
}

// transactionText is where the parts of a canonical transaction stand in a text: half-open, the quotes not included.
type transactionText struct {
	amount, amountEnd       int
	id                      int // of 32 digits; 0 if there is none
	recipient, recipientEnd int
	sender, senderEnd       int
}

func (t *transactionText) hasID() bool { return t.id > 0 }

// reward reports whether the sender is RewardSender, which has one canonical spelling.
func (t *transactionText) reward(raw []byte) bool {
	return t.senderEnd-t.sender == len(RewardSender) && raw[t.sender] == RewardSender[0]
}

func (t *transactionText) amountIs(raw []byte, n canonical.Number) bool {
	return string(raw[t.amount:t.amountEnd]) == string(n)
}

// transaction consumes a transaction that breaks no rule of its own; what is a reward's and what a payment's is not asked.
// It is what a large block spends its time on: comparing with a constant costs a word or two, literal a call.
func (p *parser) transaction(r *Rules, t *transactionText) bool {
	start := p.pos
	if string(p.next(len(transactionMark))) != transactionMark {
		return false
	}
	t.amount = p.pos
	if !p.amount() {
		return false
	}
	t.amountEnd = p.pos
	if !p.optionalID(t) || string(p.next(len(recipientMark))) != recipientMark {
		return false
	}
	t.recipient = p.pos
	if !p.name(r.MaxNameBytes) {
		return false
	}
	t.recipientEnd = p.pos
	if string(p.next(len(senderMark))) != senderMark {
		return false
	}
	t.sender = p.pos
	if !p.name(r.MaxNameBytes) {
		return false
	}
	t.senderEnd = p.pos
	return string(p.next(2)) == `"}` && p.pos-start <= r.MaxTransactionBytes
}

// next consumes n bytes and returns them; none if fewer are left.
func (p *parser) next(n int) []byte {
	start, end := p.pos, p.pos+n
	if end > len(p.raw) {
		return nil
	}
	p.pos = end
	return p.raw[start:end]
}

// amount consumes a number greater than 0.
func (p *parser) amount() bool {
	var value float64
	return p.positive(&value)
}

// positive consumes a number greater than 0.
func (p *parser) positive(dst *float64) bool {
	value, n := canonical.ScanNumber(p.raw[p.pos:])
	*dst = value
	p.pos += n
	return n > 0 && value > 0
}

// optionalID consumes the member id if there is one.
func (p *parser) optionalID(t *transactionText) bool {
	start := p.pos
	if string(p.next(len(idMark))) != idMark {
		t.id, p.pos = 0, start
		return true
	}
	t.id = p.pos
	s := p.next(2*len(ID{}) + 1)
	return len(s) == 33 && s[32] == '"' && canonical.IsHex(s[:32])
}

// name consumes the inside of a canonical string of 1 to most bytes of UTF-8.
func (p *parser) name(most int) bool {
	n, size, ok := canonical.ScanString(p.raw[p.pos:])
	p.pos += n
	return ok && 0 < size && size <= most // the literal that follows wants the closing quote
}

// ParseInto is ParseBlock into b, which nobody else has, for a caller that looks at many blocks and keeps none. It keeps raw, and does
// not know the genesis block.
func (r *Rules) ParseInto(b *Block, raw []byte) error {
	p := parser{raw: raw}
	if len(raw) > r.MaxBlockBytes || !p.anyBlock(r, b) {
		return r.whyNotBlock(raw)
	}
	b.raw = raw
	b.header.Hash = sha256.Sum256(raw)
	return nil
}

// whyNotBlock finds the rule that a refused block breaks. That there is one is what the fuzz targets prove;
// were there none, the block would still not be let in.
func (r *Rules) whyNotBlock(raw []byte) error {
	if err := r.explainBlock(raw); err != nil {
		return err
	}
	return Invalid(RuleCanonical, "refused by the strict parser only: a fault of this program, please report it with the block")
}

// whyNotPending is whyNotBlock for a pending transaction.
func (r *Rules) whyNotPending(raw []byte) error {
	if err := r.explainPending(raw); err != nil {
		return err
	}
	return Invalid(RuleCanonical, "refused by the strict parser only: a fault of this program, please report it with the transaction")
}
