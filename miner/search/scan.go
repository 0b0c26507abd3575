package search

import (
	"crypto/sha256"

	"kuai/chain/consensus"
)

// scanner tries proofs one after another. Every core has its own.
type scanner struct {
	puzzle  consensus.Puzzle
	kernel  kernel
	job     job
	message []byte // for the proof that was written last
}

func newScanner(p consensus.Puzzle, k kernel) *scanner {
	s := &scanner{puzzle: p, kernel: k}
	s.job.setZeros(p.Zeros)
	if len(p.Before) > maxPrefix {
		s.kernel = library
	}
	return s
}

// scan returns the lowest proof in [from, to) that has the zeros.
func (s *scanner) scan(from, to int64) (int64, bool) {
	for from < to {
		end := min(to, endOfRun(from))
		if proof, found := s.scanRun(from, end); found {
			return proof, true
		}
		from = end
	}
	return 0, false
}

// run is how many proofs share all digits but the low ones.
const run = 10_000

// endOfRun returns the end of the proofs that share with this one the number of digits and all but the low ones.
func endOfRun(proof int64) int64 {
	for end := int64(10); end < run; end *= 10 {
		if proof < end {
			return end
		}
	}
	return (proof/run + 1) * run
}

// scanRun is scan within a run.
func (s *scanner) scanRun(from, to int64) (int64, bool) {
	end := s.write(from)
	low := min(end-len(s.puzzle.Before), maxLow)
	s.job.prepare(s.message, end-low, low)
	first := from % run
	digits := lowDigits()[low][first : first+to-from]
	for i := 0; i < len(digits); i++ {
		if i += s.kernel.scan(&s.job, digits[i:]); i < len(digits) && s.valid(from+int64(i)) {
			return from + int64(i), true
		}
	}
	return 0, false
}

// write writes the message for proof and returns where the proof's digits end.
func (s *scanner) write(proof int64) (end int) {
	s.message = s.puzzle.AppendMessage(s.message[:0], proof)
	return len(s.message) - len(s.puzzle.After)
}

// valid reports whether proof has all the zeros. A kernel looks at the first eight only.
func (s *scanner) valid(proof int64) bool {
	s.write(proof)
	return consensus.Hash(sha256.Sum256(s.message)).HasZeros(s.puzzle.Zeros)
}
