package consensus

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	"kuai/chain/canonical"
)

// ParseBlock reads a block that must already be canonical and checks all that its bytes alone can break
// (size, form, keys, types, transactions, ids within the block). It keeps raw. Errors are *InvalidError.
func (r *Rules) ParseBlock(raw []byte) (*Block, error) {
	b := new(Block)
	if err := r.parseInto(b, raw); err != nil {
		return nil, err
	}
	return b, nil
}

// ReadBlock is ParseBlock for text from HTTP or a Flask node: any spelling, made canonical first.
// Errors are *SyntaxError and *InvalidError.
func (r *Rules) ReadBlock(text []byte) (*Block, error) {
	v, err := canonical.Read(text)
	if err != nil {
		return nil, err
	}
	return r.ParseBlock(slices.Clip(canonical.AppendValue(nil, v)))
}

// NewBlock builds the canonical block that extends parent; txs ends with the reward. The proof is not checked here.
// Errors are *InvalidError.
func (r *Rules) NewBlock(parent Header, proof int64, at float64, txs []Transaction) (*Block, error) {
	raw := append([]byte(nil), `{"index": `...)
	raw = strconv.AppendInt(raw, parent.Index+1, 10)
	raw = append(raw, `, "previous_hash": "`...)
	raw = hex.AppendEncode(raw, parent.Hash[:])
	raw = append(raw, `", "proof": `...)
	raw = strconv.AppendInt(raw, proof, 10)
	raw = append(raw, `, "timestamp": `...)
	raw = canonical.AppendFloat(raw, at)
	raw = append(raw, `, "transactions": [`...)
	for i, t := range txs {
		if i > 0 {
			raw = append(raw, ", "...)
		}
		raw = t.AppendCanonical(raw)
	}
	return r.ParseBlock(slices.Clip(append(raw, "]}"...)))
}

// CheckLink checks that b extends parent: previous hash, index and proof. Errors are *InvalidError.
func (r *Rules) CheckLink(parent Header, b *Block) error {
	if b.header.Previous != parent.Hash {
		return Invalid(RuleParent, "previous_hash is %s, the parent's hash is %s", b.header.Previous, parent.Hash)
	}
	if b.header.Index-1 != parent.Index {
		return Invalid(RuleIndexStep, "index is %d, the parent's is %d", b.header.Index, parent.Index)
	}
	if !r.ValidProof(parent.Proof, b.header.Proof, parent.Hash) {
		return Invalid(RuleProof, "sha256(%d, %d, %s) does not start with %d zeros", parent.Proof, b.header.Proof, parent.Hash, r.Zeros)
	}
	return nil
}

// millisecondsFrom is 1973 in milliseconds, and the year 5138 in seconds since 1970.
const millisecondsFrom = 1e11

// CheckTime returns an error that wraps ErrFuture where b is too far ahead of now.
func (r *Rules) CheckTime(b *Block, now time.Time) error {
	latest := now.Add(r.MaxAhead)
	if b.header.Timestamp <= float64(latest.Unix())+float64(latest.Nanosecond())/1e9 {
		return nil
	}
	hint := ""
	if b.header.Timestamp >= millisecondsFrom {
		hint = "; it looks like milliseconds, and seconds are expected"
	}
	return fmt.Errorf("%w: timestamp %s, accepted up to %s%s", ErrFuture, canonical.AppendFloat(nil, b.header.Timestamp), latest.UTC().Format(time.RFC3339), hint)
}

// ValidProof says whether proof follows lastProof on a block with hash last: whether the SHA-256 of both proofs in
// decimal and the hash in hex, joined, starts with the network's zeros.
func (r *Rules) ValidProof(lastProof, proof int64, last Hash) bool {
	var buffer [2*20 + 2*len(last)]byte // two int64 in decimal, one hash in hex
	text := strconv.AppendInt(buffer[:0], lastProof, 10)
	text = strconv.AppendInt(text, proof, 10)
	text = hex.AppendEncode(text, last[:])
	return Hash(sha256.Sum256(text)).HasZeros(r.Zeros)
}

// ParseTransaction reads a pending transaction that must be canonical and carry an id. Errors are *InvalidError.
func (r *Rules) ParseTransaction(raw []byte) (Transaction, error) {
	p := parser{raw: raw}
	var t transactionText
	if !p.transaction(r, &t) || p.pos != len(raw) || !t.hasID() || t.reward(raw) {
		return Transaction{}, r.whyNotPending(raw)
	}
	return t.decode(raw), nil
}

// ReadTransaction reads a transaction from an HTTP body: any spelling, other keys ignored; it gets id where it has none.
// Errors are *SyntaxError, *MissingError and *InvalidError.
func (r *Rules) ReadTransaction(text []byte, id ID) (Transaction, error) {
	v, err := canonical.Read(text)
	if err != nil {
		return Transaction{}, err
	}
	body, _ := v.(canonical.Object)
	if missing := missingKeys(body, "sender", "recipient", "amount"); missing != nil {
		return Transaction{}, &MissingError{Keys: missing}
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
	return r.judgePayment(o)
}

func missingKeys(o canonical.Object, want ...string) (missing []string) {
	for _, key := range want {
		if _, ok := o.Get(key); !ok {
			missing = append(missing, key)
		}
	}
	return missing
}
