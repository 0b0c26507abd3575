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
	fixed   int    // bytes of the message that the job takes as its prefix
	message []byte // for the proof that was written last
}

func newScanner(p consensus.Puzzle, k kernel) *scanner {
	s := &scanner{puzzle: p, kernel: k}
	s.fixed = len(p.Before) / sha256.BlockSize * sha256.BlockSize
	s.job.setPrefix([]byte(p.Before[:s.fixed]))
	s.job.setTarget(p.Target)
	return s
}

// scan returns the lowest proof in [from, to) that solves the puzzle.
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
	s.job.prepare(s.message[s.fixed:], end-low-s.fixed, low)
	k := s.kernel
	if !regular(len(s.message)-s.fixed, end-s.fixed) {
		k = library
	}
	first := from % run
	digits := lowDigits()[low][first : first+to-from]
	for i := 0; i < len(digits); i++ {
		if i += k.scan(&s.job, digits[i:]); i < len(digits) && s.valid(from+int64(i)) {
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

// valid reports whether proof solves the puzzle. A kernel looks at the length of the hash's first word only.
func (s *scanner) valid(proof int64) bool {
	s.write(proof)
	return s.puzzle.Target.Met(sha256.Sum256(s.message))
}
