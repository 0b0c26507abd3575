package consensus_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"os"
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
	turns, blocksUp := 0, 0
	for name, c := range map[string]struct {
		at        func(now float64) float64
		low, high float64 // blocks in 1,000 block times
	}{
		"honest":          {honest, 990, 1010},
		"at the limit":    {ahead, 990, 1015}, // three block times are 3/20 of a half-life, once
		"in turns":        {func(now float64) float64 { turns++; return now + float64(turns%2)*30 }, 985, 1015},
		"rising":          {func(now float64) float64 { blocksUp++; return now + float64(blocksUp%300)/10 }, 985, 1015}, // to the limit, and down again
		"stuck":           {func(float64) float64 { return 0 }, 50, 250},                                                // no time passes: each 20 blocks halve the target
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

// sample is what a network was like at a time.
type sample struct {
	hour         float64 // since the start
	miners       float64 // tries a second of all, as a multiple of those at the start
	tries        float64 // that a proof takes in the mean, in the same way
	blockSeconds float64 // what the last 20 blocks took in the mean
}

// dayOfMiners follows a day on which miners join and leave, once an hour on average. It returns a sample for every two minutes.
func dayOfMiners(t *testing.T) (day []sample, blocks int64) {
	t.Helper()
	random := rand.New(rand.NewPCG(11, 12))
	r := newRace(t)
	start, rate, first := r.now, r.rate, tries(r.rules.First)
	times := []float64{start}
	for r.now < start+86_400 {
		if random.IntN(360) == 0 {
			r.rate = rate * []float64{0.25, 0.5, 1, 2, 4}[random.IntN(5)]
		}
		r.mine(random.ExpFloat64(), honest)
		times = append(times, r.now)
		last := times[max(0, len(times)-21):]
		if len(last) < 21 || r.now < start+float64(120*len(day)) {
			continue
		}
		day = append(day, sample{(r.now - start) / 3600, r.rate / rate, tries(r.rules.TargetAfter(r.tip)) / first, (r.now - last[0]) / float64(len(last)-1)})
	}
	return day, r.tip.Index - 1
}

// TestDayOfMiners: on a day on which miners join and leave the number of blocks stays that of the schedule, and docs/pictures/day.svg
// shows that day.
func TestDayOfMiners(t *testing.T) {
	day, blocks := dayOfMiners(t)
	if math.Abs(float64(blocks-8640)) > 60 { // two half-lives and some luck
		t.Errorf("%d blocks, the schedule has 8640", blocks)
	}
	slowest, fastest := 0.0, math.Inf(1)
	for _, s := range day {
		slowest, fastest = max(slowest, s.blockSeconds), min(fastest, s.blockSeconds)
	}
	t.Logf("%d blocks, 20 of them in %.0f to %.0f s each", blocks, fastest, slowest)
	picture := drawDay(day)
	if *plot != "" {
		if err := os.WriteFile(*plot, []byte(picture), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const kept = "../../docs/pictures/day.svg"
	if text, err := os.ReadFile(kept); err != nil || string(text) != picture {
		t.Errorf("%s is not the picture of this day: go test ./chain/consensus -run DayOfMiners -plot %s (%v)", kept, kept, err)
	}
}
