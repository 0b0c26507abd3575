package p2p_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kuai/chain/consensus"
	"kuai/p2p"
	"kuai/p2p/p2ptest"
)

// bubble runs a story in virtual time.
func bubble(t *testing.T, o p2ptest.Options, story func(t *testing.T, net *p2ptest.Net)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { story(t, p2ptest.New(t, o)) })
}

func TestBlocksAndPaymentsReachAll(t *testing.T) {
	for _, c := range []struct {
		name  string
		links p2ptest.Links
		nodes int
	}{
		{"line of 5", p2ptest.Line, 5},
		{"line of 20", p2ptest.Line, 20},
		{"ring of 12", p2ptest.Ring, 12},
		{"star of 20", p2ptest.Star, 20},
		{"star of 200", p2ptest.Star, 200},
		{"full mesh of 8", p2ptest.Full, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.nodes > 100 && p2p.Raced {
				t.Skip("the race detector takes minutes for so many nodes")
			}
			bubble(t, p2ptest.Options{Nodes: c.nodes, Links: c.links}, func(t *testing.T, net *p2ptest.Net) {
				net.Connected(10 * time.Second)
				last := c.nodes - 1
				ids := append(net.Pay(0, 3), net.Pay(last, 3)...)
				net.AllPending(30*time.Second, ids) // what precedes the mesh may wait for a pool exchange
				net.Mine(last, 1)
				took := net.Reach(5*time.Second, net.Nodes[last].Chain.Tip().Hash)
				t.Logf("tip of all after %v", took)
				net.Mine(0, 3)
				net.Reach(5*time.Second, net.Nodes[0].Chain.Tip().Hash)
				net.Conserved(ids)
			})
		})
	}
}

// TestLongOutageEnds cuts a network into single nodes for so long that hundreds of dials fail, and then heals it.
func TestLongOutageEnds(t *testing.T) {
	bubble(t, p2ptest.Options{Nodes: 4, Links: p2ptest.Star}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		net.Cut(func(i int) int { return i })
		net.Rest(10 * time.Minute)
		net.Mine(3, 2)
		net.Heal()
		t.Logf("one tip after %v", net.Converge(10*time.Second))
	})
}

func TestPartitionHeals(t *testing.T) {
	for _, c := range []struct{ left, right, mineLeft, mineRight int }{
		{3, 2, 12, 7}, {1, 4, 3, 9}, {4, 4, 5, 6},
	} {
		t.Run(fmt.Sprintf("%d:%d", c.left, c.right), func(t *testing.T) {
			bubble(t, p2ptest.Options{Nodes: c.left + c.right}, func(t *testing.T, net *p2ptest.Net) {
				net.Connected(10 * time.Second)
				net.Cut(func(i int) int {
					if i < c.left {
						return 0
					}
					return 1
				})
				ids := mineApart(net, 0, c.mineLeft)
				ids = append(ids, mineApart(net, c.left, c.mineRight)...)
				net.Rest(30 * time.Second)
				net.Heal()
				took := net.Converge(2 * time.Minute)
				t.Logf("one tip after %v", took)
				winner := 0
				if c.mineRight > c.mineLeft {
					winner = c.left
				}
				if got, want := net.Nodes[0].Chain.Tip().Index, int64(1+max(c.mineLeft, c.mineRight)); got != want {
					t.Errorf("tip %d, want %d", got, want)
				}
				net.Mine(winner, 1)
				net.Reach(5*time.Second, net.Nodes[winner].Chain.Tip().Hash)
				net.AllKnown(time.Minute, ids)
				net.Conserved(ids)
			})
		})
	}
}

// mineApart pays and mines count blocks at node i.
func mineApart(net *p2ptest.Net, i, count int) []consensus.ID {
	var ids []consensus.ID
	for range count {
		ids = append(ids, net.Pay(i, 2)...)
		net.Mine(i, 1)
	}
	return ids
}

func TestEqualSidesMeetAtTheNextBlock(t *testing.T) {
	bubble(t, p2ptest.Options{Nodes: 4}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		net.Cut(func(i int) int { return i % 2 })
		net.Mine(0, 4)
		net.Mine(1, 4)
		net.Rest(10 * time.Second)
		net.Heal()
		net.Connected(2 * time.Minute)
		if net.Nodes[0].Chain.Tip().Hash == net.Nodes[1].Chain.Tip().Hash {
			t.Fatal("an equal branch replaced the first seen one")
		}
		net.Mine(3, 1)
		net.Reach(10*time.Second, net.Nodes[3].Chain.Tip().Hash)
	})
}

func TestLateJoinerCatchesUp(t *testing.T) {
	bubble(t, p2ptest.Options{Nodes: 3}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		net.Stop(2)
		net.Mine(0, 150)
		ids := net.Pay(1, 5)
		net.Start(2)
		net.Converge(10 * time.Second)
		net.AllPending(10*time.Second, ids)
	})
}

func TestLossyAndSlowLinks(t *testing.T) {
	for _, c := range []struct {
		name    string
		loss    float64
		latency time.Duration
	}{
		{"30 % of packets lost", 0.3, 5 * time.Millisecond},
		{"half a second away", 0, 500 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, p2ptest.Options{Nodes: 6, Links: p2ptest.Ring, Loss: c.loss, Latency: c.latency, Seed: 7}, func(t *testing.T, net *p2ptest.Net) {
				net.Connected(time.Minute)
				ids := net.Pay(0, 20)
				net.AllPending(time.Minute, ids)
				net.Mine(3, 5)
				took := net.Reach(30*time.Second, net.Nodes[3].Chain.Tip().Hash)
				t.Logf("tip of all after %v", took)
				net.Conserved(ids)
			})
		})
	}
}

func TestTopologyHealsWithNodesGone(t *testing.T) {
	bubble(t, p2ptest.Options{Nodes: 7, Links: p2ptest.Ring}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		net.Stop(2)
		net.Mine(0, 2)
		net.Converge(5 * time.Second)
		net.Stop(5) // now there are two arcs
		net.Mine(0, 3)
		net.Mine(4, 5)
		net.Rest(10 * time.Second)
		net.Start(2)
		net.Start(5)
		net.Converge(time.Minute)
		if got := net.Nodes[0].Chain.Tip().Index; got != 8 {
			t.Errorf("tip %d, want 8", got)
		}
	})
}

func TestHundredNodes(t *testing.T) {
	t.Parallel()
	// Each node has a link to its neighbours on a ring and to two nodes far away.
	far := func(n, a, b int) bool { d := (a - b + n) % n; return d == 1 || d == n-1 || d == 37 || d == n-37 }
	bubble(t, p2ptest.Options{Nodes: 100, Links: far, Latency: 20 * time.Millisecond}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(time.Minute)
		net.Rest(5 * time.Second)
		ids := net.Pay(42, 5)
		net.AllPending(30*time.Second, ids)
		net.Mine(7, 1)
		took := net.Reach(10*time.Second, net.Nodes[7].Chain.Tip().Hash)
		t.Logf("tip of 100 nodes after %v", took)
		net.Conserved(ids)
	})
}

// TestPulledPaymentsArePublished: what a node pulls from the pool of one neighbour is at the other one before
// that one asks.
func TestPulledPaymentsArePublished(t *testing.T) {
	bubble(t, p2ptest.Options{Nodes: 3, Links: p2ptest.Line}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		for range 3 {
			net.Cut(func(i int) int { return min(i, 1) })
			ids := net.Pay(0, 2)
			net.Rest(20 * time.Second) // gossip has forgotten them
			net.Heal()
			net.Await(10*time.Second, "the node between has them", func() bool { return holds(net.Nodes[1], ids) })
			net.Rest(time.Second)
			if !holds(net.Nodes[2], ids) {
				t.Error("the node at the end has to ask for them")
			}
		}
	})
}

// holds reports whether all of ids are pending at n.
func holds(n *p2ptest.Node, ids []consensus.ID) bool {
	return !slices.ContainsFunc(ids, func(id consensus.ID) bool { _, ok := n.Chain.PendingByID(id); return !ok })
}
