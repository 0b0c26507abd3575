package p2p_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"kuai/p2p"
	"kuai/p2p/p2ptest"
)

// TestBlockOfASpokeReachesAll mines at the spokes of a hub, which reach nobody else: a class on a wireless
// network that isolates its stations. Each block must be at 99 of 100 spokes within a second. A hub of more
// spokes than its mesh has places tells most of them by the next heartbeat.
func TestBlockOfASpokeReachesAll(t *testing.T) {
	for _, c := range []struct{ spokes, blocks int }{{30, 30}, {200, 10}} {
		t.Run(fmt.Sprint(c.spokes), func(t *testing.T) {
			t.Parallel()
			if p2p.Raced && c.spokes > 100 {
				t.Skip("takes minutes with the race detector")
			}
			bubble(t, p2ptest.Options{Nodes: 1 + c.spokes, Links: p2ptest.Star, Latency: 2 * time.Millisecond}, func(t *testing.T, net *p2ptest.Net) {
				net.Connected(time.Minute)
				net.Rest(5 * time.Second) // until the meshes stand
				var took []time.Duration
				for k := range c.blocks {
					took = append(took, arrivals(net, 1+k*c.spokes/c.blocks)...)
				}
				slices.Sort(took)
				p99 := took[len(took)*99/100]
				t.Logf("half within %v, 99 %% within %v, all within %v", took[len(took)/2], p99, took[len(took)-1])
				if p99 > time.Second {
					t.Errorf("99 %% of %d deliveries took up to %v", len(took), p99)
				}
			})
		})
	}
}

// arrivals mines a block at node i and returns how long it took to each other node.
func arrivals(net *p2ptest.Net, i int) (took []time.Duration) {
	net.Mine(i, 1)
	tip, left := net.Nodes[i].Chain.Tip().Hash, slices.Clone(net.Nodes)
	began := time.Now()
	net.Await(time.Minute, "the block is everywhere", func() bool {
		left = slices.DeleteFunc(left, func(n *p2ptest.Node) bool {
			there := n.Chain.Tip().Hash == tip
			if there {
				took = append(took, time.Since(began))
			}
			return there
		})
		return len(left) == 0
	})
	return took
}
