package miner

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// never has no proof that any benchmark could meet.
var never = puzzle{35293, hashOf(1), 16}

// careful is the yardstick: a loop over crypto/sha256 that increments the digits in place, allocates nothing and looks at one word.
func careful(p puzzle, from, to int64) (int64, bool) {
	s := newScanner(p, library)
	end := s.write(from)
	for proof := from; proof < to; proof++ {
		sum := sha256.Sum256(s.message)
		if binary.BigEndian.Uint32(sum[:])&s.job.mask[0] == 0 && hasZeros(sum, p.zeros) {
			return proof, true
		}
		if !increment(s.message[len(s.prefix):end]) {
			end = s.write(proof + 1)
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

// BenchmarkKernels scans five-digit proofs with each kernel of this processor, in turns with the careful loop. x is how many times as
// many tries a second it makes: the median over the turns, good on a machine that others use, too.
func BenchmarkKernels(b *testing.B) {
	for _, k := range kernels() {
		b.Run(k.name, func(b *testing.B) {
			s := newScanner(never, k)
			n, yardstick := int64(chunk), int64(chunk/4) // about as long as each other, so that others disturb both alike
			if k.name == library.name || k.name == portable.name {
				n = yardstick
			}
			var ratios, rates []float64
			for b.Loop() {
				start := time.Now()
				careful(never, 10_000, 10_000+yardstick)
				between := time.Now()
				s.scan(20_000, 20_000+n)
				ours, theirs := time.Since(between), between.Sub(start)
				ratios = append(ratios, float64(n)/float64(yardstick)*float64(theirs)/float64(ours))
				rates = append(rates, float64(n)/ours.Seconds()/1e6)
			}
			slices.Sort(ratios)
			slices.Sort(rates)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(rates[len(rates)/2], "Mtries/s")
			b.ReportMetric(ratios[len(ratios)/2], "x")
		})
	}
}

// BenchmarkSearch looks for whole proofs at four zeros, a chain of them.
func BenchmarkSearch(b *testing.B) {
	for _, cores := range []int{1, 2} {
		b.Run(fmt.Sprintf("cores=%d", cores), func(b *testing.B) {
			var tries atomic.Uint64
			last := int64(100)
			for i := 0; b.Loop(); i++ {
				proof, err := Search(b.Context(), last, hashOf(int64(i)), 4, cores, &tries)
				if err != nil {
					b.Fatal(err)
				}
				last = proof
			}
			b.ReportMetric(float64(tries.Load())/b.Elapsed().Seconds()/1e6, "Mtries/s")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "proofs/s")
		})
	}
}
