package consensus

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"math/bits"
	"strconv"
)

// Work is how many hashes the proofs of a chain take in the mean: on a classic network in units of one block, as all blocks take the
// same. An integer of 256 bits, its most significant word first.
type Work [4]uint64

// Add returns the sum, which 256 bits hold for any chain that can be made.
func (w Work) Add(x Work) (sum Work) {
	carry := uint64(0)
	for i := len(w) - 1; i >= 0; i-- {
		sum[i], carry = bits.Add64(w[i], x[i], carry)
	}
	return sum
}

// Bytes returns w as a big-endian number.
func (w Work) Bytes() (b [32]byte) {
	for i, word := range w {
		binary.BigEndian.PutUint64(b[8*i:], word)
	}
	return b
}

// WorkOf reads what Bytes returns.
func WorkOf(b [32]byte) (w Work) {
	for i := range w {
		w[i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return w
}

// String returns the number in decimal.
func (w Work) String() string {
	b := w.Bytes()
	return new(big.Int).SetBytes(b[:]).String()
}

// Compare returns -1, 0 or 1 if w is less than x, equal or greater.
func (w Work) Compare(x Work) int {
	for i := range w {
		if c := cmp.Compare(w[i], x[i]); c != 0 {
			return c
		}
	}
	return 0
}

// State is what the choice between two chains needs to know of each.
type State struct {
	Tip  Header
	Work Work // of all blocks up to Tip
}

// Start returns the state of the chain that is the genesis block alone.
func (r *Rules) Start() State {
	s := State{Tip: r.Genesis.Header()}
	if !r.IsSecure() {
		s.Work = Work{3: uint64(s.Tip.Index)}
	}
	return s
}

// Next returns the state of the chain in state s and a block on it with header h.
func (r *Rules) Next(s State, h Header) State {
	work := Work{3: 1}
	if r.IsSecure() {
		work = r.TargetAfter(s.Tip).Work()
	}
	return State{Tip: h, Work: s.Work.Add(work)}
}

// Heavier reports whether a chain in state a replaces an active one in state b: it has more work. Of two with the same work the one
// that was seen first stays.
func Heavier(a, b State) bool { return a.Work.Compare(b.Work) > 0 }

// Puzzle is what a proof must solve: the SHA-256 of Before, the proof in decimal and After, joined, meets Target.
type Puzzle struct {
	Before, After string
	Target        Target
	Root          Hash // of the draft, on a secure network the start of its proof; else zero
}

// Puzzle returns the puzzle of a draft. A classic proof covers the parent alone, so it fits whatever the draft holds; a secure one covers
// all of the draft.
func (r *Rules) Puzzle(d Draft) Puzzle {
	p := Puzzle{Before: d.Parent.ProofText(), After: d.Parent.Hash.String(), Target: r.TargetAfter(d.Parent)}
	if r.IsSecure() {
		p.Root = r.child(d, 0, 0).Root
		p.Before += p.Root.String() + "."
	}
	return p
}

// ZerosTarget returns the target that the hashes with that many hex zeros in front meet, n at most 64: 2^(256-4n)-1.
func ZerosTarget(n int) (t Target) {
	for i := n / 2; i < len(t); i++ {
		t[i] = 0xff
	}
	if n%2 == 1 {
		t[n/2] = 0x0f
	}
	return t
}

// Solves reports whether proof solves the puzzle.
func (p Puzzle) Solves(proof int64) bool {
	var buffer [256]byte // a secure network's message takes 232 at most
	return p.Target.Met(sha256.Sum256(p.AppendMessage(buffer[:0], proof)))
}

// AppendMessage appends the text that is hashed for proof.
func (p Puzzle) AppendMessage(dst []byte, proof int64) []byte {
	dst = append(dst, p.Before...)
	dst = strconv.AppendInt(dst, proof, 10)
	return append(dst, p.After...)
}

// ValidProof reports whether proof solves the puzzle of a block on a parent with the proof lastProof and the hash last. It does not
// allocate: every block that is received goes through it.
func (r *Rules) ValidProof(lastProof, proof int64, last Hash) bool {
	var buffer [2*20 + 2*len(last)]byte // two int64 in decimal, one hash in hex
	text := strconv.AppendInt(buffer[:0], lastProof, 10)
	text = strconv.AppendInt(text, proof, 10)
	text = hex.AppendEncode(text, last[:])
	return Hash(sha256.Sum256(text)).HasZeros(r.Zeros)
}
