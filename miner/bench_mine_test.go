package miner_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/miner"
)

// BenchmarkMine mines blocks at the tutorial's four zeros on a chain in memory: search, seal, check and store.
func BenchmarkMine(b *testing.B) {
	for cores := 1; cores <= 2; cores++ {
		b.Run(fmt.Sprintf("cores=%d", cores), func(b *testing.B) {
			c := chaintest.Open(b, chain.Classic())
			m := miner.New(c, "me", miner.Options{Cores: cores}, slog.New(slog.DiscardHandler))
			for b.Loop() {
				if _, err := m.Mine(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "blocks/s")
			b.ReportMetric(m.Status().Rate/1e6, "Mtries/s")
		})
	}
}

// timed notes when a search begins: the miner has read the tip then and asks for the rules.
type timed struct {
	hard
	asked chan time.Time
}

func (c *timed) Rules() *chain.Rules {
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
