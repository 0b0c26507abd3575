package search

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"hash"
	"math/bits"
	"slices"
	"sync"

	"kuai/chain/consensus"
)

// job is a run of proofs that share all digits but the low four (or fewer), with everything done that is the same for all of them.
//
// A classic message, str(last proof) + str(proof) + last hash, is 66 to 96 bytes long: two blocks of SHA-256. A secure network's has
// one or two whole blocks in front of the nonce, which are hashed once for a search; the rest is two blocks as well. The proof ends within
// the rest's first 32 bytes. So the low digits touch two neighbouring words of the first block's first eight, and the second block is the
// same for all: the end of the hash and the padding. The kernels in assembly know the first fields by their offsets.
type job struct {
	first [16]uint32  // words of the first block, zero where the low digits go
	place [2][16]byte // for words 0..3 and 4..7: which byte of an entry of lowDigits goes where, in the terms of PSHUFB
	known [8]uint32   // words 8..15 of the first block plus their round constants
	tail  [64]uint32  // all words of the second block plus their round constants
	mask  [4]uint32   // the bits that must be zero in the first word of the hash, four times
	right [8]uint32   // for words 0..7: how many bits an entry of lowDigits is shifted right; 32 and more leave nothing
	left  [8]uint32   // and how many left; the word has both
	state [8]uint32   // SHA-256's a to h before the first block
	split [8]uint32   // the same in the order of the x86-64 SHA instructions: f, e, b, a and h, g, d, c

	prefix  int    // bytes in front of the message, whole blocks, that state covers
	before  []byte // crypto/sha256's own state after them; empty if there are none
	hash    hash.Hash
	message []byte // with the digits of the first proof
	at, low int    // where in the message the low digits begin, and how many they are
}

const (
	maxLow   = 4  // digits that vary in a job, at most
	maxLanes = 16 // proofs that any kernel tries at a time, at most
)

// setPrefix hashes the part of the message that is the same for all jobs of a search: whole blocks.
func (j *job) setPrefix(prefix []byte) {
	j.prefix, j.state = len(prefix), initialState
	for block := range slices.Chunk(prefix, sha256.BlockSize) {
		var w [64]uint32
		for i := range 16 {
			w[i] = binary.BigEndian.Uint32(block[4*i:])
		}
		j.state = compress(j.state, schedule(&w))
	}
	s := j.state
	j.split = [8]uint32{s[5], s[4], s[1], s[0], s[7], s[6], s[3], s[2]}
	if len(prefix) > 0 {
		h := sha256.New()
		h.Write(prefix)
		j.before, _ = h.(encoding.BinaryAppender).AppendBinary(nil) // fails for no state of this hash
	}
}

// regular reports whether a message of that many bytes, whose digits end at byte end, is made as kernels other than the library's
// take it: in two blocks, with all digits in the first eight words. All that a classic network allows is, and on a secure one all but
// searches of more than 10^11 tries on a parent with a nonce of 19 digits.
func regular(length, end int) bool {
	const padding = 9 // bytes at least
	return end <= 32 && sha256.BlockSize <= length && length <= 2*sha256.BlockSize-padding
}

// prepare makes j the job for message, in which low digits vary from byte at on, after the prefix.
func (j *job) prepare(message []byte, at, low int) {
	same := len(message) == len(j.message)
	j.message = append(j.message[:0], message...)
	j.at, j.low = at, low
	if !regular(len(message), at+low) {
		return
	}
	if !same {
		j.setTail(message)
	}

	clear(message[at : at+low])
	for i := range j.first {
		j.first[i] = binary.BigEndian.Uint32(message[4*i:])
	}
	for i := range j.known {
		j.known[i] = j.first[8+i] + roundConstants[8+i]
	}
	j.setPlace()
	j.setShifts()
}

// setPlace says where the low digits go. Words lie in memory with their low byte first, so that byte i of a text is
// byte i^3 in words.
func (j *job) setPlace() {
	place := [32]byte{}
	for i := range place {
		place[i] = 0x80 // nothing
	}
	for i := range j.low {
		if to := (j.at + i) ^ 3; to < len(place) {
			place[to] = byte(i ^ 3)
		}
	}
	j.place = [2][16]byte{[16]byte(place[:16]), [16]byte(place[16:])}
}

// setShifts says the same in shifts of whole words. The digits lie across two words, or in one and its end.
func (j *job) setShifts() {
	word, shift := j.at/4, uint32(j.at%4*8)
	for i := range j.right {
		j.right[i], j.left[i] = 32, 32
	}
	if word < len(j.right) {
		j.right[word] = shift
	}
	if word+1 < len(j.left) {
		j.left[word+1] = 32 - shift
	}
}

// setTarget asks for hashes whose first word is not longer in bits than the target's: all that meet the target, and as many again at most.
func (j *job) setTarget(t consensus.Target) {
	longest := bits.Len32(binary.BigEndian.Uint32(t[:]))
	for i := range j.mask {
		j.mask[i] = ^(1<<longest - 1)
	}
}

// setTail expands the second block of message.
func (j *job) setTail(message []byte) {
	var block [64]byte
	n := copy(block[:], message[64:])
	block[n] = 0x80
	binary.BigEndian.PutUint64(block[56:], uint64(j.prefix+len(message))*8)
	for i := range 16 {
		j.tail[i] = binary.BigEndian.Uint32(block[4*i:])
	}
	schedule(&j.tail)
}

// schedule makes a block's 64 words, constants added, from the first 16.
func schedule(w *[64]uint32) *[64]uint32 {
	expand(w)
	for i := range w {
		w[i] += roundConstants[i]
	}
	return w
}

// expand fills words 16..63 of a message schedule from the first 16.
func expand(w *[64]uint32) {
	for i := 16; i < 64; i++ {
		a, b := w[i-15], w[i-2]
		w[i] = w[i-16] + w[i-7] +
			(bits.RotateLeft32(a, -7) ^ bits.RotateLeft32(a, -18) ^ a>>3) +
			(bits.RotateLeft32(b, -17) ^ bits.RotateLeft32(b, -19) ^ b>>10)
	}
}

// lowDigits holds at [n] all numbers of n digits in order, 10^n of them: their ASCII digits from the top of a word downwards. Zeros
// follow, because kernels look ahead.
var lowDigits = sync.OnceValue(func() (table [maxLow + 1][]uint32) {
	table[0] = []uint32{0}
	for n, count := 1, 1; n <= maxLow; n, count = n+1, count*10 {
		for _, upper := range table[n-1][:count] {
			for d := range uint32(10) {
				table[n] = append(table[n], upper|('0'+d)<<(32-8*n))
			}
		}
		table[n] = append(table[n], make([]uint32, 2*maxLanes)...)
	}
	return table
})

// initialState is SHA-256's a to h before the first block.
var initialState = [8]uint32{
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}

// roundConstants are SHA-256's.
var roundConstants = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}
