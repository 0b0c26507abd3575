package p2p_test

import (
	"bytes"
	"flag"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"kuai/p2p"
	"kuai/p2p/p2ptest"
)

var resting = flag.Duration("resting", 20*time.Minute, "how long TestHealthyNetworkKeepsItsPeers watches, in virtual time")

// TestEclipseByPatience lets attackers, each in a /24 of its own, take all outbound slots of node 0 while the
// honest nodes are down. These come back and do not know of node 0. It finds one of them and follows their
// chain.
func TestEclipseByPatience(t *testing.T) {
	for name, mined := range map[string]int{"they bring nothing": 0, "they bring blocks of their own": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			honest := func(i int) bool { return i >= 1 && i <= 4 }
			links := func(_, a, b int) bool { return a == 0 || b == 0 || honest(a) && honest(b) }
			bubble(t, p2ptest.Options{Nodes: 15, Links: links, Apart: true}, func(t *testing.T, net *p2ptest.Net) {
				introduce(net.Nodes[0:5])
				net.Await(time.Minute, "the honest are connected", func() bool { return dialled(net, 0) == 4 })
				net.Mine(1, 3)
				net.Reach(time.Minute, net.Nodes[1].Chain.Tip().Hash, 0, 1, 2, 3, 4)
				for i := 1; i <= 4; i++ {
					net.Stop(i)
				}
				attackers := net.Nodes[5:]
				net.Nodes[0].Hears(faces(attackers)...)
				net.Await(3*time.Minute, "the attackers have all slots", func() bool { return dialled(net, 0) == p2p.WantOutbound })
				for _, a := range attackers {
					if hasPeer(a) {
						net.Reach(time.Minute, net.Nodes[0].Chain.Tip().Hash, a.Index)
						net.Mine(a.Index, mined)
						net.Reach(time.Minute, a.Chain.Tip().Hash, 0)
					}
				}
				net.Rest(5 * time.Minute) // the honest are not dialled in vain for longer than that
				for i := 1; i <= 4; i++ {
					net.Start(i)
				}
				introduce(net.Nodes[1:5])
				net.Mine(1, 20)
				took := net.Reach(30*time.Minute, net.Nodes[1].Chain.Tip().Hash, 0)
				t.Logf("the honest tip after %v", took)
				net.Mine(2, 1)
				net.Reach(6*time.Second, net.Nodes[2].Chain.Tip().Hash, 0)
			})
		})
	}
}

// TestHealthyNetworkKeepsItsPeers lets a network rest in which all slots are taken and nobody brings anything.
// Each node replaces one peer in each turn at most.
func TestHealthyNetworkKeepsItsPeers(t *testing.T) {
	t.Parallel()
	watched := *resting
	if p2p.Raced {
		watched /= 4
	}
	gone := new(lines)
	bubble(t, p2ptest.Options{Nodes: 20, Apart: true, Log: gone}, func(t *testing.T, net *p2ptest.Net) {
		introduce(net.Nodes)
		// Who dialled each other may lose a slot until that peer may be dialled again: in a minute, then in
		// two, then in four.
		net.Await(10*time.Minute, "all slots are taken", func() bool {
			return !slices.ContainsFunc(net.Nodes, func(n *p2ptest.Node) bool { return dialled(net, n.Index) < p2p.WantOutbound })
		})
		before := gone.count.Load()
		net.Rest(watched)
		turns := int64(watched/p2p.RotateEvery) + 1
		got, most := gone.count.Load()-before, 2*turns*int64(len(net.Nodes)) // both sides say so
		t.Logf("%d times a peer was gone in %v, %d turns of %d nodes", got, watched, turns, len(net.Nodes))
		if got > most {
			t.Errorf("%d times a peer was gone in %v, at most %d are fine", got, watched, most)
		}
		for i := range net.Nodes {
			if n := dialled(net, i); n > p2p.WantOutbound+1 {
				t.Errorf("node %d has %d outbound peers", i, n)
			}
		}
		net.Mine(3, 1)
		net.Reach(6*time.Second, net.Nodes[3].Chain.Tip().Hash)
	})
}

// lines counts the lines of a log that say that a peer is disconnected.
type lines struct{ count atomic.Int64 }

func (l *lines) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("peer disconnected")) {
		l.count.Add(1)
	}
	return len(line), nil
}

// introduce tells each node of all others.
func introduce(nodes []*p2ptest.Node) {
	for _, n := range nodes {
		n.Hears(faces(nodes)...)
	}
}

func faces(nodes []*p2ptest.Node) []*p2p.Node {
	var out []*p2p.Node
	for _, n := range nodes {
		out = append(out, n.Node)
	}
	return out
}

// dialled counts the peers that node i dialled.
func dialled(net *p2ptest.Net, i int) (n int) {
	for _, p := range net.Nodes[i].Peers() {
		if p.Connected && p.Direction == "outbound" {
			n++
		}
	}
	return n
}

// hasPeer reports whether a node has a peer.
func hasPeer(n *p2ptest.Node) bool {
	return slices.ContainsFunc(n.Peers(), func(p p2p.Peer) bool { return p.Connected })
}
