package consensus_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"kuai/chain/consensus"
)

// race is a network of miners in simulated time, on rules whose targets are far from their bounds.
type race struct {
	rules *consensus.Rules
	tip   consensus.Header
	now   float64 // the true time
	rate  float64 // tries a second of all miners
}

// newRace starts on schedule.
func newRace(t *testing.T) *race {
	t.Helper()
	r, err := consensus.ReadRules(secureFile(`, "first_target": "00000000000fffffffffffffffffffffffffffffffffffffffffffffffffffff"`, ""))
	if err != nil {
		t.Fatal(err)
	}
	g := r.Genesis.Header()
	return &race{rules: r, tip: g, now: g.Timestamp, rate: tries(r.First) / r.BlockTime.Seconds()}
}

// tries returns how many hashes a target takes in the mean.
func tries(t consensus.Target) float64 {
	f, _ := new(big.Float).SetInt(new(big.Int).SetBytes(t[:])).Float64()
	return math.Exp2(256) / f
}

// mine adds a block that takes luck times the mean, stamped with what at says, and returns how long it took.
func (r *race) mine(luck float64, at func(now float64) float64) float64 {
	took := luck * tries(r.rules.TargetAfter(r.tip)) / r.rate
	r.now += took
	stamp := math.Floor(at(r.now)*1000) / 1000
	r.tip = consensus.Header{Index: r.tip.Index + 1, Timestamp: max(stamp, r.tip.Timestamp+0.001)}
	return took
}

func honest(now float64) float64 { return now }

// TestMinersLeave measures how long a network whose miners leave takes until a block takes twice its time at most, and how long until
// it has caught up after they come back.
func TestMinersLeave(t *testing.T) {
	for _, c := range []struct {
		left   float64 // of the miners
		blocks int     // at most, until it has recovered
		times  float64 // block times that takes at most
	}{{0.5, 1, 3}, {0.1, 20, 75}, {0.01, 15, 140}} {
		r := newRace(t)
		for range 50 {
			r.mine(1, honest)
		}
		blockTime, full := r.rules.BlockTime.Seconds(), r.rate
		left, blocks := r.now, 0
		for r.rate *= c.left; r.mine(1, honest) > 2.01*blockTime; blocks++ {
		}
		took := (r.now - left) / blockTime
		t.Logf("%.0f %% of the miners stay: after %d blocks and %.0f block times a block takes twice as long at most", 100*c.left, blocks, took)
		if blocks > c.blocks || took > c.times {
			t.Errorf("%v: %d blocks and %.1f block times", c.left, blocks, took)
		}
		r.rate = full
		for back := 0; r.mine(1, honest) < 0.9*blockTime; back++ {
			if back > 200 {
				t.Fatal("the pace does not come back")
			}
		}
	}
}

// TestHostileClocks: all miners together gain little by stamping blocks as they like.
func TestHostileClocks(t *testing.T) {
	ahead := func(now float64) float64 { return now + 30 }
	turns := 0
	for name, c := range map[string]struct {
		at        func(now float64) float64
		low, high float64 // blocks in 1,000 block times
	}{
		"honest":          {honest, 990, 1010},
		"at the limit":    {ahead, 990, 1015}, // three block times are 3/20 of a half-life, once
		"in turns":        {func(now float64) float64 { turns++; return now + float64(turns%2)*30 }, 985, 1015},
		"stuck":           {func(float64) float64 { return 0 }, 50, 250}, // no time passes: each 20 blocks halve the target
		"stuck, and then": {func(now float64) float64 { turns++; return now * float64(turns/50%2) }, 800, 1010},
	} {
		r := newRace(t)
		end, blocks := r.now+1000*r.rules.BlockTime.Seconds(), 0.0
		for ; r.now < end; blocks++ {
			r.mine(1, c.at)
		}
		t.Logf("%s: %.0f blocks in 1,000 block times", name, blocks)
		if blocks < c.low || blocks > c.high {
			t.Errorf("%s: %.0f blocks in 1,000 block times", name, blocks)
		}
	}
}

// TestDayOfMiners follows a day on which miners join and leave at random: the number of blocks stays that of the schedule.
func TestDayOfMiners(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	r := newRace(t)
	end, full := r.now+86_400, r.rate
	for r.now < end {
		if random.IntN(40) == 0 {
			r.rate = full * math.Exp2(4*random.Float64()-2) // a quarter to four times the miners
		}
		r.mine(random.ExpFloat64(), honest)
	}
	want := 86_400 / r.rules.BlockTime.Seconds()
	if got := float64(r.tip.Index - 1); math.Abs(got-want) > 60 { // two half-lives and some luck
		t.Errorf("%.0f blocks, the schedule has %.0f", got, want)
	}
}
