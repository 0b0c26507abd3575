package miner_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/miner"
	"kuai/miner/search"
)

// BenchmarkMine mines blocks at the tutorial's four zeros on a chain in memory: search, seal, check and store. A turn is a search
// alone for as many tries as four blocks take in the mean, four blocks on one core and four on two, so that others on the machine disturb all alike.
//
// A block takes 65,536 tries in the mean, and luck decides for each. blocks/s are as they came; even/s are the same at 65,536 tries a
// block, and best/s is that in the best tenth of the turns: what the machine can do while it is left alone.
func BenchmarkMine(b *testing.B) {
	c := chaintest.Open(b, consensus.Classic())
	alone := pace{turn: searching(b)}
	one, two := pace{turn: miningOn(b, c, 1)}, pace{turn: miningOn(b, c, 2)}
	for b.Loop() {
		alone.take()
		one.take()
		two.take()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(alone.rate()/1e6, "Mtries/s/search")
	b.ReportMetric(alone.rate()/evenTries, "even/s/search")
	b.ReportMetric(one.rate()/alone.rate(), "of-search")
	b.ReportMetric(two.rate()/one.rate(), "x")
	b.ReportMetric(float64(one.tries+two.tries)/float64(2*perTurn*b.N), "tries/block")
	for cores, p := range map[string]*pace{"1": &one, "2": &two} {
		b.ReportMetric(float64(perTurn*b.N)/p.spent.Seconds(), "blocks/s/"+cores)
		b.ReportMetric(p.rate()/evenTries, "even/s/"+cores)
		b.ReportMetric(p.best()/evenTries, "best/s/"+cores)
	}
}

const (
	perTurn   = 4       // blocks
	evenTries = 1 << 16 // that a block at four zeros takes in the mean
)

// searching returns what tries a turn's proofs on one core: a search that nothing answers, ended after as many.
func searching(b *testing.B) func() int64 {
	return func() int64 {
		ctx, cancel := context.WithCancel(b.Context())
		defer cancel()
		var tries atomic.Uint64
		enough := func() {
			if tries.Load() >= perTurn*evenTries {
				cancel()
			}
		}
		if proof, err := search.Proof(ctx, consensus.Puzzle{Before: "35293", After: consensus.Hash{1}.String(), Target: consensus.ZerosTarget(16)}, search.Effort{Cores: 1, Share: 100}, &tries, enough); err == nil {
			b.Fatalf("proof %d has 16 zeros", proof)
		}
		return int64(tries.Load())
	}
}

// miningOn returns what mines a turn's blocks, and says how many proofs up to those of the blocks there were.
func miningOn(b *testing.B, c *chain.Chain, cores int) func() int64 {
	m := miner.New(c, "me", miner.Options{Cores: cores}, slog.New(slog.DiscardHandler))
	return func() (tries int64) {
		for range perTurn {
			block, err := m.Mine(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			tries += block.Header().Proof + 1
		}
		return tries
	}
}

// pace is how fast the turns of one kind are.
type pace struct {
	turn  func() (tries int64)
	tries int64
	spent time.Duration
	rates []float64 // tries/s of each turn
}

func (p *pace) take() {
	start := time.Now()
	tries := p.turn()
	took := time.Since(start)
	p.tries += tries
	p.spent += took
	p.rates = append(p.rates, float64(tries)/took.Seconds())
}

func (p *pace) rate() float64 { return float64(p.tries) / p.spent.Seconds() }

// best is the rate that a tenth of the turns exceed.
func (p *pace) best() float64 {
	slices.Sort(p.rates)
	return p.rates[len(p.rates)*9/10]
}

// timed notes when a search begins: the miner has read the tip then and asks for the rules.
type timed struct {
	hard
	asked chan time.Time
}

func (c *timed) Rules() *consensus.Rules {
	c.asked <- time.Now()
	return c.hard.Rules()
}

// BenchmarkNewTip measures how long after a block from elsewhere is held the miner starts to search on it.
func BenchmarkNewTip(b *testing.B) {
	for cores := 1; cores <= 2; cores++ {
		b.Run(fmt.Sprintf("cores=%d", cores), func(b *testing.B) {
			c := &timed{asked: make(chan time.Time, 1)}
			c.Chain = chaintest.Open(b, chaintest.Rules())
			m := miner.New(c, "me", miner.Options{Cores: cores}, slog.New(slog.DiscardHandler))
			var took []time.Duration
			ctx, cancel := context.WithCancel(b.Context())
			done := mine(ctx, m)
			<-c.asked
			for b.Loop() {
				chaintest.MineOn(b, c.Chain, 1)
				held := time.Now()
				took = append(took, (<-c.asked).Sub(held))
			}
			cancel()
			<-done
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}
