package search

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"kuai/chain/consensus"
)

// never has no proof that any benchmark could meet.
var never = puzzleOf(35293, hashOf(1), 16)

// careful is the yardstick: a loop over crypto/sha256 that increments the digits in place, allocates nothing and looks at one word.
func careful(p consensus.Puzzle, from, to int64) (int64, bool) {
	s := newScanner(p, library)
	end := s.write(from)
	for proof := from; proof < to; proof++ {
		sum := sha256.Sum256(s.message)
		if binary.BigEndian.Uint32(sum[:])&s.job.mask[0] == 0 && p.Target.Met(sum) {
			return proof, true
		}
		if !increment(s.message[len(p.Before):end]) {
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
	for name, k := range named(kernels()) {
		b.Run(name, func(b *testing.B) {
			s := newScanner(never, k)
			n, yardstick := int64(chunk), int64(chunk/4) // about as long as each other, so that others disturb both alike
			if k.name == library.name || k.name == portable.name {
				n = yardstick
			}
			var ratios, rates, yardsticks []float64
			for b.Loop() {
				start := time.Now()
				careful(never, 10_000, 10_000+yardstick)
				between := time.Now()
				s.scan(20_000, 20_000+n)
				ours, theirs := time.Since(between), between.Sub(start)
				ratios = append(ratios, float64(n)/float64(yardstick)*float64(theirs)/float64(ours))
				rates = append(rates, float64(n)/ours.Seconds()/1e6)
				yardsticks = append(yardsticks, float64(yardstick)/theirs.Seconds()/1e6)
			}
			for _, s := range [][]float64{ratios, rates, yardsticks} {
				slices.Sort(s)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(rates[len(rates)/2], "Mtries/s")
			b.ReportMetric(rates[len(rates)*9/10], "best-Mtries/s")
			b.ReportMetric(yardsticks[len(yardsticks)/2], "careful-Mtries/s")
			b.ReportMetric(ratios[len(ratios)/2], "x")
		})
	}
}

// BenchmarkSecure scans six-digit nonces of a secure network, in turns with proofs of a classic one, with the kernel that searches use. x
// is its tries a second against classic's, the median over the turns.
func BenchmarkSecure(b *testing.B) {
	for name, k := range named(kernels()) {
		b.Run(name, func(b *testing.B) {
			classic, secure := newScanner(never, k), newScanner(sealedOn(35293, 1, never.Target), k)
			var ratios []float64
			rates := map[*scanner][]float64{}
			for b.Loop() {
				var took [2]time.Duration
				for i, s := range []*scanner{classic, secure} {
					began := time.Now()
					s.scan(200_000, 200_000+chunk)
					took[i] = time.Since(began)
					rates[s] = append(rates[s], rate(took[i])/1e6)
				}
				ratios = append(ratios, float64(took[0])/float64(took[1]))
			}
			for _, s := range [][]float64{ratios, rates[classic], rates[secure]} {
				slices.Sort(s)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(rates[classic][b.N/2], "classic-Mtries/s")
			b.ReportMetric(rates[secure][b.N/2], "secure-Mtries/s")
			b.ReportMetric(ratios[b.N/2], "x")
		})
	}
}

// named returns the kernels with their names, and the one that searches use once more as "chosen".
func named(all []kernel) iter.Seq2[string, kernel] {
	return func(yield func(string, kernel) bool) {
		for _, k := range all {
			if !yield(k.name, k) {
				return
			}
		}
		yield("chosen", fastest())
	}
}

// BenchmarkRace is what the choice of the kernel takes, once for each start.
func BenchmarkRace(b *testing.B) {
	for b.Loop() {
		race(kernels())
	}
}

// product keeps the compiler from leaving BenchmarkClock's work out.
var product uint64

// BenchmarkClock shows how much of a core this machine gives at a time: turns of 10,000 multiplications, each of the product before, of
// three cycles each on x86-64. Two levels far apart are the core's other thread, which may be another virtual machine's, at rest and at work.
func BenchmarkClock(b *testing.B) {
	const factors, cycles = 10_000, 3
	var rates []float64
	for b.Loop() {
		start, x := time.Now(), product|1
		for range factors {
			x *= 0x9e3779b97f4a7c15
		}
		product = x
		rates = append(rates, factors*cycles/time.Since(start).Seconds()/1e9)
	}
	slices.Sort(rates)
	b.ReportMetric(0, "ns/op")
	for _, q := range []int{10, 25, 50, 75, 90} {
		b.ReportMetric(rates[len(rates)*q/100], fmt.Sprintf("GHz/p%d", q))
	}
}

// BenchmarkSearch looks for the proofs of a chain at four zeros, each on one core and on two in turns. x is how much faster two are.
func BenchmarkSearch(b *testing.B) {
	var tries atomic.Uint64
	var spent [3]time.Duration
	last := int64(100)
	for i := 0; b.Loop(); i++ {
		for cores := 1; cores <= 2; cores++ {
			start := time.Now()
			proof, err := Proof(b.Context(), puzzleOf(last, hashOf(int64(i)), 4), Effort{cores, 100}, &tries, func() {})
			if err != nil {
				b.Fatal(err)
			}
			spent[cores] += time.Since(start)
			if cores == 2 {
				last = proof
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(b.N)/spent[1].Seconds(), "proofs/s/1")
	b.ReportMetric(float64(b.N)/spent[2].Seconds(), "proofs/s/2")
	b.ReportMetric(float64(spent[1])/float64(spent[2]), "x")
}
