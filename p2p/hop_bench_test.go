package p2p_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/p2p"
)

// BenchmarkHops times a small block from the miner's chain to the last node's chain in a line of real hosts on
// loopback, all in this process: chain.AddMined, one publication, and full validation at every hop.
func BenchmarkHops(b *testing.B) {
	for _, hops := range []int{1, 2, 8} {
		b.Run(fmt.Sprint(hops), func(b *testing.B) {
			line := benchLine(b, hops+1)
			first, last := line[0], line[hops]
			wake, stop := last.Watch()
			defer stop()
			var took []time.Duration
			for b.Loop() {
				work := first.Draft("miner")
				mined := chaintest.Block(b, first.Rules(), work.Parent, "miner")
				began := time.Now()
				if err := first.AddMined(mined); err != nil {
					b.Fatal(err)
				}
				for last.Tip().Hash != mined.Hash() {
					<-wake
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// benchLine runs n nodes, each connected with the one before, and returns their chains once the meshes stand.
func benchLine(b *testing.B, n int) []*chain.Chain {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var chains []*chain.Chain
	var done []chan error
	before := ""
	for range n {
		key, err := p2p.EphemeralIdentity()
		if err != nil {
			b.Fatal(err)
		}
		c := chaintest.Open(b, chaintest.Rules())
		cfg := p2p.Config{Identity: key, Listen: []string{"/ip4/127.0.0.1/tcp/0"}}
		cfg.DialNobody()
		node, err := p2p.New(cfg, c, slog.New(slog.DiscardHandler))
		if err != nil {
			b.Fatal(err)
		}

		if before != "" {
			if err := node.Connect(before); err != nil {
				b.Fatal(err)
			}
		}
		before = node.Addresses()[0]
		end := make(chan error, 1)
		go func() { end <- node.Run(ctx) }()
		chains, done = append(chains, c), append(done, end)
	}
	b.Cleanup(func() {
		cancel()
		for _, end := range done {
			if err := <-end; err != nil && !strings.Contains(err.Error(), "closed") {
				b.Error(err)
			}
		}
	})
	for began := time.Now(); time.Since(began) < 3*time.Second; { // meshes
		chaintest.MineOn(b, chains[0], 1)
		time.Sleep(200 * time.Millisecond)
	}
	return chains
}
