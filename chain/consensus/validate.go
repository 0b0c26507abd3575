package consensus

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	"kuai/chain/canonical"
)

// ParseBlock reads a block that must already be canonical and checks all that its bytes alone can break
// (size, form, keys, types, transactions, ids within the block). It keeps raw. The genesis block is valid as it is. Errors are *InvalidError.
func (r *Rules) ParseBlock(raw []byte) (*Block, error) {
	if bytes.Equal(raw, r.Genesis.raw) {
		return r.Genesis, nil // no rule of a block is for it, and everybody holds it
	}
	b := new(Block)
	if err := r.ParseInto(b, raw); err != nil {
		return nil, err
	}
	return b, nil
}

// ReadBlock is ParseBlock for text from HTTP, a file or a Flask node: any spelling, made canonical first.
// Errors are *SyntaxError and *InvalidError.
func (r *Rules) ReadBlock(text []byte) (*Block, error) {
	if b, err := r.ParseBlock(slices.Clone(text)); err == nil {
		return b, nil // canonical already, as in an export: twice as fast (BenchmarkImportLines)
	}
	v, err := canonical.Read(text)
	if err != nil {
		return nil, err
	}
	return r.ParseBlock(slices.Clip(canonical.AppendValue(nil, v)))
}

// Draft is a block before its proof is found: what it extends, what it holds, and who gets the reward.
type Draft struct {
	Parent    Header
	Payments  []Payment
	Recipient string
}

// RewardTo returns the reward of a block that recipient mines.
func (r *Rules) RewardTo(recipient string) Transaction {
	return Transaction{Sender: RewardSender, Recipient: recipient, Amount: r.Reward}
}

// Seal makes the block of a draft with its proof, which is not checked, at a time in Unix seconds. Errors are *InvalidError.
func (r *Rules) Seal(d Draft, proof int64, at float64) (*Block, error) {
	size := FrameSize(d.Parent) + 256
	for _, p := range d.Payments {
		size += len(p.canonical) + len(", ")
	}
	raw := appendHeader(make([]byte, 0, size), d.Parent, proof, at)
	for _, p := range d.Payments {
		raw = append(raw, p.canonical...)
		raw = append(raw, ", "...)
	}
	raw = r.RewardTo(d.Recipient).AppendCanonical(raw)
	return r.ParseBlock(slices.Clip(append(raw, "]}"...)))
}

// NewBlock builds the canonical block that extends parent; txs ends with the reward. The proof is not checked here.
// Errors are *InvalidError.
func (r *Rules) NewBlock(parent Header, proof int64, at float64, txs []Transaction) (*Block, error) {
	raw := appendHeader(nil, parent, proof, at)
	for i, t := range txs {
		if i > 0 {
			raw = append(raw, ", "...)
		}
		raw = t.AppendCanonical(raw)
	}
	return r.ParseBlock(slices.Clip(append(raw, "]}"...)))
}

// appendHeader appends the child of parent up to where its transactions start.
func appendHeader(raw []byte, parent Header, proof int64, at float64) []byte {
	raw = append(raw, `{"index": `...)
	raw = strconv.AppendInt(raw, parent.Index+1, 10)
	raw = append(raw, `, "previous_hash": "`...)
	raw = hex.AppendEncode(raw, parent.Hash[:])
	raw = append(raw, `", "proof": `...)
	raw = strconv.AppendInt(raw, proof, 10)
	raw = append(raw, `, "timestamp": `...)
	raw = canonical.AppendFloat(raw, at)
	return append(raw, `, "transactions": [`...)
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

// CheckTime returns an error that wraps ErrFuture if b is too far ahead of now.
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
