package search

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"math/bits"
)

// kernel is an inner loop. scan tries the proofs with the low digits given, entries of lowDigits, and returns the position of
// the first whose hash has the zeros of j.mask, or len(digits) if none has. All but the library's want a regular message.
type kernel struct {
	name string
	scan func(j *job, digits []uint32) int
}

var (
	// library leaves the hashing to the Go library, which has assembly for most processors.
	library = kernel{Library, scanLibrary}

	// portable is the two blocks in Go, with what is known beforehand left out. It beats the library where that has no assembly.
	portable = kernel{"portable", scanPortable}
)

// inLanes makes the scan of a kernel that tries groups of so many proofs, up to the first group with a hit.
func inLanes(lanes int, scan func(j *job, digits *uint32, groups int) (group int, hits uint32)) func(*job, []uint32) int {
	return func(j *job, digits []uint32) int {
		group, hits := scan(j, &digits[0], (len(digits)+lanes-1)/lanes)
		return min(lanes*group+bits.TrailingZeros32(hits), len(digits)) // no hit counts as 32
	}
}

func scanLibrary(j *job, digits []uint32) int {
	var low [maxLow]byte
	message := append(make([]byte, 0, 128), j.message...)
	for i, d := range digits {
		binary.BigEndian.PutUint32(low[:], d)
		copy(message[j.at:], low[:j.low])
		sum := j.sum(message)
		if binary.BigEndian.Uint32(sum[:])&j.mask[0] == 0 {
			return i
		}
	}
	return len(digits)
}

// sum returns the SHA-256 of the prefix and message. To go on from the state after the prefix saves its blocks.
func (j *job) sum(message []byte) (sum [sha256.Size]byte) {
	if len(j.before) == 0 {
		return sha256.Sum256(message)
	}
	if j.hash == nil {
		j.hash = sha256.New()
	}
	if err := j.hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(j.before); err != nil {
		panic("search: crypto/sha256 refuses its own state: " + err.Error())
	}
	j.hash.Write(message)
	j.hash.Sum(sum[:0])
	return sum
}

func scanPortable(j *job, digits []uint32) int {
	word, shift := j.at/4, j.at%4*8
	var w [64]uint32
	for i, d := range digits {
		copy(w[:], j.first[:])
		w[word] |= d >> shift
		w[word+1] |= d << (32 - shift)
		state := compress(j.state, schedule(&w))
		if compress(state, &j.tail)[0]&j.mask[0] == 0 {
			return i
		}
	}
	return len(digits)
}

// compress returns state after a block whose words, plus the round constants, are w.
func compress(state [8]uint32, w *[64]uint32) [8]uint32 {
	a, b, c, d, e, f, g, h := state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7]
	for _, w := range w {
		t := h + w + (bits.RotateLeft32(e, -6) ^ bits.RotateLeft32(e, -11) ^ bits.RotateLeft32(e, -25)) + (g ^ e&(f^g))
		u := (bits.RotateLeft32(a, -2) ^ bits.RotateLeft32(a, -13) ^ bits.RotateLeft32(a, -22)) + (a&b | c&(a|b))
		a, b, c, d, e, f, g, h = t+u, a, b, c, d+t, e, f, g
	}
	return [8]uint32{state[0] + a, state[1] + b, state[2] + c, state[3] + d, state[4] + e, state[5] + f, state[6] + g, state[7] + h}
}
