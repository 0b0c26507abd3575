package p2p_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"kuai/p2p"
	"kuai/p2p/p2ptest"
)

var restarts = flag.Int("restarts", 0, "restarts in TestRestartedNodesMeetAgain; 0: fewer, the more nodes there are")

// TestRestartedNodesMeetAgain stops nodes that know each other only by what they remember, and starts them
// within half a second. A dial tries the second address of a host 250 ms after the first, which is so much
// farther away that both handshakes end at the same moment: most dials open two connections, and close one.
func TestRestartedNodesMeetAgain(t *testing.T) {
	for _, count := range []int{2, 5, 30} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			t.Parallel()
			rounds := *restarts
			if rounds == 0 {
				rounds = max(1, 20/count)
			}
			bubble(t, p2ptest.Options{Nodes: count, Apart: true, Keep: true, Far: 125 * time.Millisecond}, func(t *testing.T, net *p2ptest.Net) {
				introduce(net.Nodes)
				net.Await(time.Minute, "all know each other", func() bool { return together(net) })
				net.Rest(20 * time.Second)
				var slowest time.Duration
				for range rounds {
					for i := range net.Nodes {
						net.Stop(i)
					}
					net.Rest(time.Second)
					for i := range net.Nodes {
						net.Start(i)
						net.Rest(500 * time.Millisecond / time.Duration(count))
					}
					slowest = max(slowest, net.Await(3*time.Second, "all are in one network again", func() bool { return together(net) }))
					net.Rest(time.Second)
				}
				t.Logf("the slowest of %d rounds took %v", rounds, slowest)
			})
		})
	}
}

// together reports whether all nodes are one network, two or more with eight peers each or all others.
func together(net *p2ptest.Net) bool {
	at := make(map[string]int)
	for _, n := range net.Nodes {
		at[n.ID()] = n.Index
	}
	seen, next := map[int]bool{0: true}, []int{0}
	for ; len(next) > 0; next = next[1:] {
		peers := 0
		for _, p := range net.Nodes[next[0]].Peers() {
			i, known := at[p.ID]
			if !known || !p.Connected || p.Height == 0 {
				continue
			}
			if peers++; !seen[i] {
				seen[i] = true
				next = append(next, i)
			}
		}
		if peers < min(p2p.WantOutbound, len(net.Nodes)-1) {
			return false
		}
	}
	return len(seen) == len(net.Nodes)
}

// TestNeighboursDialEight lets thirty nodes on one local network hear of all others, each in the same order.
// None dials more than eight, and they are one network.
func TestNeighboursDialEight(t *testing.T) {
	t.Parallel()
	bubble(t, p2ptest.Options{Nodes: 30, Apart: true}, func(t *testing.T, net *p2ptest.Net) {
		for _, n := range net.Nodes {
			n.HearsNear(faces(net.Nodes)...)
		}
		took := net.Await(10*time.Second, "all are in one network", func() bool { return together(net) })
		net.Rest(time.Minute)
		fewest, most := len(net.Nodes), 0
		for i := range net.Nodes {
			if n := dialled(net, i); n > p2p.WantOutbound {
				t.Errorf("node %d has dialled %d", i, n)
			}
			fewest, most = min(fewest, peerCount(net, i)), max(most, peerCount(net, i))
		}
		t.Logf("one network after %v, %d to %d peers each", took, fewest, most)
		if most == len(net.Nodes)-1 {
			t.Error("some node is everybody's peer: all chose the same eight")
		}
	})
}

// peerCount counts the connected peers of node i.
func peerCount(net *p2ptest.Net, i int) (n int) {
	for _, p := range net.Nodes[i].Peers() {
		if p.Connected {
			n++
		}
	}
	return n
}
