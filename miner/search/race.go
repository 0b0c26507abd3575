package search

import (
	"slices"
	"sync"
	"time"

	"kuai/chain/consensus"
)

// fastest is the kernel that searches use. The first search, or the first question for its name, waits some milliseconds for the choice.
var fastest = sync.OnceValue(func() kernel { return race(kernels()) })

// Kernel returns the name of the kernel that searches use on this processor.
func Kernel() string { return fastest().name }

// Library is the name of the kernel that leaves the hashing to crypto/sha256.
const Library = "library"

// Speed is what a kernel does on one core.
type Speed struct {
	Kernel string
	Tries  float64 // a second, the median of many turns
	Best   float64 // the same, in the best tenth of the turns: while nobody else uses the core
	Chosen bool    // by searches
}

// Measure times each kernel of this processor for about that long, in turns with the others, the fastest first.
func Measure(each time.Duration) []Speed {
	all, chosen := kernels(), Kernel()
	runs := make([][]time.Duration, len(all))
	for began := time.Now(); time.Since(began) < each*time.Duration(len(all)); {
		for i, k := range all {
			runs[i] = append(runs[i], lap(k))
		}
	}
	speeds := make([]Speed, len(all))
	for i, r := range runs {
		slices.Sort(r)
		speeds[i] = Speed{all[i].name, rate(r[len(r)/2]), rate(r[len(r)/10]), all[i].name == chosen}
	}
	slices.SortFunc(speeds, func(a, b Speed) int { return int(b.Tries - a.Tries) })
	return speeds
}

func rate(lap time.Duration) float64 { return chunk / lap.Seconds() }

const (
	checked  = 500 // proofs of each length on which a kernel must agree with the library
	laps     = 10  // of the race, at most; some 50 µs each for a fast kernel, a millisecond for a slow one
	hopeless = 2   // a kernel that takes so many times as long as the best leaves the race
)

// race returns the kernel that is fastest here. What a processor says it has does not tell: the same instructions were measured
// six times as fast as the library on one, and twice on another. A kernel that finds other proofs than the library is left out: better slow
// than wrong. The best lap counts, as others may use the core meanwhile.
func race(all []kernel) kernel {
	entrants := slices.DeleteFunc(slices.Clone(all), func(k kernel) bool { return !agrees(k) })
	best := make(map[string]time.Duration, len(entrants))
	for range laps {
		for _, k := range entrants {
			took := lap(k)
			if b, ok := best[k.name]; !ok || took < b {
				best[k.name] = took
			}
		}
		slices.SortStableFunc(entrants, func(a, b kernel) int { return int(best[a.name] - best[b.name]) })
		limit := hopeless * best[entrants[0].name]
		entrants = slices.DeleteFunc(entrants, func(k kernel) bool { return best[k.name] > limit })
	}
	return entrants[0]
}

// lap is how long a kernel takes for a chunk without a proof.
func lap(k kernel) time.Duration {
	s := newScanner(consensus.Puzzle{Before: "35293", After: testHash, Target: consensus.ZerosTarget(16)}, k)
	s.scan(0, 1) // makes the table of digits, the first time
	began := time.Now()
	s.scan(chunk*10, chunk*11)
	return time.Since(began)
}

// testHash stands for the last block's hash; any would do.
const testHash = "3b1c7c0b8f0e5d2a94d6e1f7a8b9c0d1e2f3a4b5c6d7e8f90123456789abcdef"

// agrees reports whether k finds what the library finds: proofs of one zero, among numbers of few and of many digits.
func agrees(k kernel) bool {
	p := consensus.Puzzle{Before: "35293", After: testHash, Target: consensus.ZerosTarget(1)}
	sealed := p
	sealed.Before = testHash + "." + p.Before + testHash + "." // as on a secure network
	for _, p := range []consensus.Puzzle{p, sealed} {
		for _, from := range []int64{0, 35_000, 1_234_560_000} {
			if !agreesOn(newScanner(p, k), newScanner(p, library), from, from+checked) {
				return false
			}
		}
	}
	return true
}

// agreesOn reports whether both scanners find the same proofs in [from, to).
func agreesOn(ours, theirs *scanner, from, to int64) bool {
	for ; from < to; from++ {
		got, found := ours.scan(from, to)
		want, wanted := theirs.scan(from, to)
		if got != want || found != wanted {
			return false
		}
		if !found {
			break
		}
		from = got
	}
	return true
}
