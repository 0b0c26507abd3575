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
// (size, form, keys, types, transactions, ids within the block, root), but for signatures, see Signatures. It keeps raw. The genesis block is valid as it is. Errors are *InvalidError.
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
	Recipient string  // on a secure network an address
	Timestamp float64 // Unix seconds; on a secure network only, whose proof seals it
}

// RewardTo returns the reward of a block that recipient mines.
func (r *Rules) RewardTo(recipient string) Transaction {
	return Transaction{Sender: RewardSender, Recipient: recipient, Amount: r.Reward}
}

// Seal makes the block of a draft with its proof, which is not checked. On a classic network the block's time is at, in Unix seconds;
// on a secure one proof is the nonce, and the time is the draft's. Errors are *InvalidError.
func (r *Rules) Seal(d Draft, proof int64, at float64) (*Block, error) {
	h := r.child(d, proof, at)
	reward := r.RewardTo(d.Recipient).AppendCanonical(nil)
	size := r.FrameSize(d.Parent) + len(reward)
	for _, p := range d.Payments {
		size += len(p.canonical) + len(", ")
	}
	raw := appendHeader(make([]byte, 0, size), h)
	for _, p := range d.Payments {
		raw = append(raw, p.canonical...)
		raw = append(raw, ", "...)
	}
	return r.ParseBlock(slices.Clip(append(append(raw, reward...), "]}"...)))
}

// child returns the header of a draft's block, but for its hash.
func (r *Rules) child(d Draft, proof int64, at float64) Header {
	h := Header{Previous: d.Parent.Hash, Index: d.Parent.Index + 1, Proof: proof, Timestamp: at}
	if r.IsSecure() {
		h.Timestamp = d.Timestamp
		h.Root = rootOf(h, func(yield func([]byte) bool) {
			for _, p := range d.Payments {
				if !yield([]byte(p.canonical)) {
					return
				}
			}
			yield(r.RewardTo(d.Recipient).AppendCanonical(nil))
		})
	}
	return h
}

// NewBlock builds the canonical block that extends parent; txs ends with the reward. The proof, on a secure network the nonce, is not
// checked here. Errors are *InvalidError.
func (r *Rules) NewBlock(parent Header, proof int64, at float64, txs []Transaction) (*Block, error) {
	h := Header{Previous: parent.Hash, Index: parent.Index + 1, Proof: proof, Timestamp: at}
	if r.IsSecure() {
		h.Root = rootOf(h, func(yield func([]byte) bool) {
			for _, t := range txs {
				if !yield(t.AppendCanonical(nil)) {
					return
				}
			}
		})
	}
	raw := appendHeader(nil, h)
	for i, t := range txs {
		if i > 0 {
			raw = append(raw, ", "...)
		}
		raw = t.AppendCanonical(raw)
	}
	return r.ParseBlock(slices.Clip(append(raw, "]}"...)))
}

// appendHeader appends a block up to where its transactions start.
func appendHeader(raw []byte, h Header) []byte {
	raw = append(raw, `{"index": `...)
	raw = strconv.AppendInt(raw, h.Index, 10)
	raw = append(raw, `, "previous_hash": "`...)
	raw = hex.AppendEncode(raw, h.Previous[:])
	raw = append(raw, `", "proof": `...)
	raw = h.AppendProof(raw)
	raw = append(raw, `, "timestamp": `...)
	raw = canonical.AppendFloat(raw, h.Timestamp)
	return append(raw, `, "transactions": [`...)
}

// AppendProof appends the proof as JSON: a number, or on a secure network a string.
func (h Header) AppendProof(dst []byte) []byte {
	if h.Root == (Hash{}) {
		return h.appendProofText(dst)
	}
	return append(h.appendProofText(append(dst, '"')), '"')
}

// CheckLink checks that b extends parent: previous hash, index and proof, and on a secure network the step of time. Errors are
// *InvalidError.
func (r *Rules) CheckLink(parent Header, b *Block) error {
	if b.header.Previous != parent.Hash {
		return Invalid(RuleParent, "previous_hash is %s, the parent's hash is %s", b.header.Previous, parent.Hash)
	}
	if b.header.Index-1 != parent.Index {
		return Invalid(RuleIndexStep, "index is %d, the parent's is %d", b.header.Index, parent.Index)
	}
	if r.IsSecure() {
		return r.checkSecureLink(parent, b)
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

// CheckClock returns a *ClockError if our clock, now, is so far behind that CheckTime would refuse every block on parent. A classic
// network's block may be earlier than its parent.
func (r *Rules) CheckClock(parent Header, now time.Time) error {
	// A difference of floats, as the nanoseconds of the last valid timestamps overflow.
	behind := parent.Timestamp - float64(now.Unix()) - float64(now.Nanosecond())/1e9
	if !r.IsSecure() || behind < r.MaxAhead.Seconds() {
		return nil
	}
	return &ClockError{Behind: time.Duration(min(behind, maxSeconds) * float64(time.Second))}
}

// maxSeconds is about the longest time.Duration.
const maxSeconds = 9e9
