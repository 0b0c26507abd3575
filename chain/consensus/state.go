package consensus

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"math/bits"
	"strconv"
)

// Work is how many hashes the proofs of a chain take in the mean, in units of one block of the network: an integer of 256 bits,
// its most significant word first.
type Work [4]uint64

// Add returns the sum, which 256 bits hold for any chain that can be made.
func (w Work) Add(x Work) (sum Work) {
	carry := uint64(0)
	for i := len(w) - 1; i >= 0; i-- {
		sum[i], carry = bits.Add64(w[i], x[i], carry)
	}
	return sum
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

// State returns the state of the chain that ends in tip. Every proof of a classic network takes the same work, so it is the number of
// blocks.
func (r *Rules) State(tip Header) State {
	return State{Tip: tip, Work: Work{3: uint64(tip.Index)}}
}

// Heavier reports whether a chain in state a replaces an active one in state b: it has more work. Of two with the same work the one
// that was seen first stays.
func Heavier(a, b State) bool { return a.Work.Compare(b.Work) > 0 }

// Puzzle is what a proof must solve: the SHA-256 of Before, the proof in decimal and After, joined, meets Target.
type Puzzle struct {
	Before, After string
	Target        Target
}

// Puzzle returns the puzzle of a draft. A classic proof covers the parent alone, so it fits whatever the draft holds.
func (r *Rules) Puzzle(d Draft) Puzzle {
	return Puzzle{Before: strconv.FormatInt(d.Parent.Proof, 10), After: d.Parent.Hash.String(), Target: ZerosTarget(r.Zeros)}
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
