package consensus_test

import (
	"math"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"testing"

	"kuai/chain/consensus"
)

// wide is an unsigned number of 320 bits, its least significant word first: arithmetic without math/big.
type wide [5]uint64

func wideOf(t consensus.Target) (w wide) {
	for i, b := range t {
		w[3-i/8] = w[3-i/8]<<8 | uint64(b)
	}
	return w
}

func (w wide) times(n uint64) (out wide) {
	carry := uint64(0)
	for i, x := range w {
		hi, lo := bits.Mul64(x, n)
		var c uint64
		out[i], c = bits.Add64(lo, carry, 0)
		carry = hi + c
	}
	return out
}

func (w wide) half() (out wide) {
	for i := range w {
		out[i] = w[i] >> 1
		if i+1 < len(w) {
			out[i] |= w[i+1] << 63
		}
	}
	return out
}

func (w wide) above240() bool { return w[4] != 0 || w[3]>>48 != 0 }

func (w wide) target() (t consensus.Target) {
	for i := range t {
		t[i] = byte(w[3-i/8] >> (8 * (7 - i%8)))
	}
	return t
}

// aserti computes what Pace.Next does, in 128 bits and bit by bit. It is right for block times below 2^20 and drifts below 2^40.
func aserti(p consensus.Pace, index int64, timestamp float64) consensus.Target {
	drift := int64(timestamp) - p.Start - p.BlockTime*(index-1)
	negative := drift < 0
	size := uint64(drift)
	if negative {
		size = uint64(-drift)
	}
	hi, lo := bits.Mul64(size, 65536)
	q, _ := bits.Div64(hi, lo, uint64(20*p.BlockTime))
	e := int64(q)
	if negative {
		e = -e
	}
	shifts, r := e>>16, uint64(e)&65535
	factor := 65536 + (195766423245049*r+971821376*r*r+5127*r*r*r+1<<47)>>48
	w := wideOf(p.First).times(factor)
	for ; shifts > 16; shifts-- {
		if w = w.times(2); w.above240() {
			return consensus.MaxTarget
		}
	}
	for ; shifts < 16 && w != (wide{}); shifts++ {
		w = w.half()
	}
	switch {
	case w.above240():
		return consensus.MaxTarget
	case w == wide{}:
		return consensus.Target{31: 1}
	}
	return w.target()
}

// randomTarget draws one of any size.
func randomTarget(rng *rand.Rand) consensus.Target {
	var t consensus.Target
	for i := 2 + rng.IntN(29); i < len(t); i++ {
		t[i] = byte(rng.Uint32())
	}
	if t == (consensus.Target{}) {
		t[31] = 1
	}
	return t
}

// TestTargetHistories follows random chains, whose miners come and leave, with two implementations.
func TestTargetHistories(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		p := consensus.Pace{First: randomTarget(rng), BlockTime: 1 + rng.Int64N(900), Start: rng.Int64N(2_000_000_000)}
		now, rate := float64(p.Start), 1.0
		for index := int64(1); index <= 200; index++ {
			got, want := p.Next(index, now), aserti(p, index, now)
			if got != want {
				t.Fatalf("%+v, index %d, time %f: target %s, want %s", p, index, now, got, want)
			}
			if rng.IntN(20) == 0 {
				rate = math.Exp(rng.NormFloat64() * 3)
			}
			now += rng.ExpFloat64() * float64(p.BlockTime) * rate
		}
	}
}

// TestTargetIsExponential holds the targets to the formula that the integers approximate.
func TestTargetIsExponential(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 20_000 {
		p := consensus.Pace{First: consensus.Target{10: 1}, BlockTime: 1 + rng.Int64N(900), Start: 1_790_000_000}
		index := 1 + rng.Int64N(1_000_000)
		drift := (rng.Float64() - 0.5) * 20 * float64(p.BlockTime) * 100
		at := math.Floor(float64(p.Start) + float64(p.BlockTime*(index-1)) + drift)
		exact := math.Exp2((at - float64(p.Start) - float64(p.BlockTime*(index-1))) / float64(20*p.BlockTime))
		next := p.Next(index, at)
		got, _ := new(big.Float).SetInt(new(big.Int).SetBytes(next[:])).Float64()
		if ratio := got / (exact * math.Exp2(168)); ratio < 0.9998 || ratio > 1.0002 {
			t.Fatalf("%+v, index %d, drift %f: %f of the exact target", p, index, drift, ratio)
		}
	}
}

// TestTargetExtremes: no time and no index leads out of [1, MaxTarget], or takes memory.
func TestTargetExtremes(t *testing.T) {
	lowest, largest := consensus.Target{31: 1}, float64(consensus.MaxTimestamp-1)
	for _, first := range []consensus.Target{lowest, consensus.MaxTarget, {16: 7}} {
		for _, blockTime := range []int64{1, 600, math.MaxInt64} {
			p := consensus.Pace{First: first, BlockTime: blockTime, Start: 0}
			if got := p.Next(1, 0); got != first {
				t.Errorf("%+v: the first target is %s", p, got)
			}
			if got := p.Next(math.MaxInt64, 0); got != lowest {
				t.Errorf("%+v, the last index: %s", p, got)
			}
			got := p.Next(1, largest)
			if want := consensus.MaxTarget; blockTime <= 600 && got != want {
				t.Errorf("%+v, the last second: %s", p, got)
			}
		}
	}
}

func TestParseTarget(t *testing.T) {
	const easiest = "0000ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
	if consensus.MaxTarget.String() != easiest {
		t.Errorf("the easiest target is %s", consensus.MaxTarget)
	}
	for text, valid := range map[string]bool{
		easiest: true,
		"0000000000000000000000000000000000000000000000000000000000000001":  true,
		"0000000000000000000000000000000000000000000000000000000000000000":  false,
		"0001000000000000000000000000000000000000000000000000000000000000":  false,
		"0000FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF":  false,
		"000ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff":   false,
		"00000ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff": false,
		"": false,
	} {
		if got, err := consensus.ParseTarget(text); (err == nil) != valid || valid && got.String() != text {
			t.Errorf("%q reads as %s, %v", text, got, err)
		}
	}
}

func TestTargetMet(t *testing.T) {
	target := consensus.Target{5: 9, 20: 1}
	for _, c := range []struct {
		h    consensus.Hash
		want bool
	}{
		{consensus.Hash{}, true},
		{consensus.Hash(target), true},
		{consensus.Hash{5: 9, 19: 255}, false},
		{consensus.Hash{5: 9, 20: 1, 31: 1}, false},
		{consensus.Hash{5: 9, 20: 0, 31: 255}, true},
		{consensus.Hash{0: 1}, false},
	} {
		if got := target.Met(c.h); got != c.want {
			t.Errorf("%s meets %s: %t", c.h, target, got)
		}
	}
	if consensus.MaxTarget.Compare(target) != 1 || target.Compare(target) != 0 || target.Compare(consensus.MaxTarget) != -1 {
		t.Error("comparisons")
	}
}

// TestTargetWork compares with long division, one bit at a time.
func TestTargetWork(t *testing.T) {
	for target, want := range map[consensus.Target]consensus.Work{
		consensus.MaxTarget: {3: 1 << 16},
		{31: 1}:             {0: 1 << 63},
		{15: 1}:             {2: 1<<64 - 1, 3: 1<<64 - 1}, // 2^256 / (2^128 + 1), rounded down
	} {
		if got := target.Work(); got != want {
			t.Errorf("work of %s is %x, want %x", target, got, want)
		}
	}
	rng := rand.New(rand.NewPCG(9, 10))
	for range 2000 {
		target := randomTarget(rng)
		if got, want := target.Work(), workByBits(target); got != want {
			t.Fatalf("work of %s is %x, want %x", target, got, want)
		}
	}
}

// workByBits divides 2^256 by t+1, schoolbook, on 320 bits.
func workByBits(t consensus.Target) (work consensus.Work) {
	d := wideOf(t)
	for i := range d {
		if d[i]++; d[i] != 0 {
			break
		}
	}
	var rest wide
	for bit := 256; bit >= 0; bit-- {
		rest = rest.times(2)
		if bit == 256 {
			rest[0] |= 1
		}
		if less, ok := rest.minus(d); ok {
			rest = less
			work[3-bit/64] |= 1 << (bit % 64)
		}
	}
	return work
}

// minus returns the difference; ok is false if it is negative.
func (w wide) minus(x wide) (out wide, ok bool) {
	borrow := uint64(0)
	for i := range w {
		out[i], borrow = bits.Sub64(w[i], x[i], borrow)
	}
	return out, borrow == 0
}
