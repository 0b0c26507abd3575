package miner

import (
	"crypto/sha256"
	"strconv"
)

// scanner tries proofs one after another in the message's own bytes.
type scanner struct {
	zeros   int
	message []byte // last proof, proof, last hash
	at      int    // where the proof's digits start
	hash    string // 64 hex digits
}

func newScanner(p puzzle) *scanner {
	s := &scanner{zeros: p.zeros, hash: p.last.String()}
	s.message = strconv.AppendInt(make([]byte, 0, 96), p.lastProof, 10)
	s.at = len(s.message)
	return s
}

// scan returns the lowest proof in [from, to) that has the zeros.
func (s *scanner) scan(from, to int64) (int64, bool) {
	for proof := from; proof < to; proof++ {
		if proof == from || !increment(s.message[s.at:len(s.message)-len(s.hash)]) {
			s.message = strconv.AppendInt(s.message[:s.at], proof, 10)
			s.message = append(s.message, s.hash...)
		}
		if hasZeros(sha256.Sum256(s.message), s.zeros) {
			return proof, true
		}
	}
	return 0, false
}

// increment adds one to a decimal number in place. It reports false where the number needs one more digit.
func increment(digits []byte) bool {
	for i := len(digits) - 1; i >= 0; i-- {
		if digits[i]++; digits[i] <= '9' {
			return true
		}
		digits[i] = '0'
	}
	return false
}

// hasZeros says whether sum starts with that many hex zeros.
func hasZeros(sum [32]byte, zeros int) bool {
	for _, b := range sum[:zeros/2] {
		if b != 0 {
			return false
		}
	}
	return zeros%2 == 0 || sum[zeros/2] < 0x10
}
