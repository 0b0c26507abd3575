package p2p_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p/p2ptest"
)

// counter is a log that only counts the lines with a word.
type counter struct {
	word string
	mu   sync.Mutex
	n    int
}

func (c *counter) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(c.word)) {
		c.mu.Lock()
		c.n++
		c.mu.Unlock()
	}
	return len(line), nil
}

func (c *counter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func TestBurstOfPaymentsLosesNone(t *testing.T) {
	t.Parallel()
	bubble(t, p2ptest.Options{Nodes: 5}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		net.Rest(2 * time.Second) // all in the mesh
		var ids []consensus.ID
		for i := range net.Nodes {
			ids = append(ids, net.Pay(i, 1000)...)
		}
		took := net.AllKnown(5*time.Second, ids) // a pool exchange would come later
		t.Logf("5,000 payments everywhere after %v", took)
		net.Conserved(ids)
	})
}

// TestThousandBlocksComeInOrder mines 100 blocks a second. Gossip alone carries them: one that came before its
// parent would make a node sync.
func TestThousandBlocksComeInOrder(t *testing.T) {
	t.Parallel()
	syncs := &counter{word: "sync started"}
	bubble(t, p2ptest.Options{Nodes: 5, Log: syncs}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		net.Rest(2 * time.Second)
		for range 1000 {
			net.Mine(0, 1)
			net.Rest(10 * time.Millisecond)
		}
		net.Reach(time.Second, net.Nodes[0].Chain.Tip().Hash)
		for _, n := range net.Nodes {
			events, lost := n.Chain.Events(0)
			if lost || len(events) != 1000 {
				t.Errorf("node %d: %d events, want one for each block", n.Index, len(events))
			}
			for i, e := range events {
				if e.Kind != chain.EventBlock || e.Header.Index != int64(i)+2 {
					t.Fatalf("node %d: event %d is of kind %v, block %d", n.Index, i, e.Kind, e.Header.Index)
				}
			}
		}
	})
	if n := syncs.count(); n > 0 {
		t.Errorf("%d syncs, want none", n)
	}
}

// TestLargestBlocksArePulled lets blocks as large as they may be travel down a line, by announcement. Statuses
// that tell of a block while it is pulled make nobody sync: far away, that is nearly every one.
func TestLargestBlocksArePulled(t *testing.T) {
	for _, latency := range []time.Duration{time.Millisecond, 200 * time.Millisecond} {
		t.Run(latency.String(), func(t *testing.T) {
			t.Parallel()
			syncs := &counter{word: "sync started"}
			bubble(t, p2ptest.Options{Nodes: 4, Links: p2ptest.Line, Latency: latency, Log: syncs}, func(t *testing.T, net *p2ptest.Net) {
				net.Connected(10 * time.Second)
				net.Rest(2 * time.Second)
				var ids []consensus.ID
				for range 5 * 700 {
					p := chaintest.Payment().Transaction()
					p.Recipient = strings.Repeat("b", 256)
					if _, err := net.Nodes[0].Chain.Submit(chaintest.Checked(p), ""); err != nil {
						t.Fatal(err)
					}
					ids = append(ids, p.ID)
				}
				net.AllKnown(10*time.Second, ids)
				for range 4 {
					net.Mine(0, 1)
					held, err := net.Nodes[0].Chain.At(net.Nodes[0].Chain.Tip().Index)
					if err != nil {
						t.Fatal(err)
					}
					if n, most := len(held.Block.Canonical()), net.Nodes[0].Chain.Rules().MaxBlockBytes; n > most || n < most-1024 {
						t.Errorf("a block of %d bytes, want nearly %d", n, most)
					}
					net.Reach(time.Second+30*latency, held.Block.Hash())
				}
				net.Conserved(ids)
			})
			if n := syncs.count(); n > 0 {
				t.Errorf("%d syncs, want none", n)
			}
		})
	}
}

// TestFirstMessagesAfterConnect sends as soon as there is a connection, long before the next heartbeat builds the mesh.
func TestFirstMessagesAfterConnect(t *testing.T) {
	bubble(t, p2ptest.Options{Nodes: 3, Links: p2ptest.Line}, func(t *testing.T, net *p2ptest.Net) {
		net.Await(time.Second, "the first two are connected", func() bool { return connected(net, 0, 1) && connected(net, 1, 0) })
		ids := net.Pay(0, 10)
		net.Mine(0, 1)
		more := net.Pay(0, 10)
		net.Reach(time.Second, net.Nodes[0].Chain.Tip().Hash)
		net.AllKnown(time.Second, append(ids, more...))
	})
}

// connected reports whether node a has a connection with node b.
func connected(net *p2ptest.Net, a, b int) bool {
	for _, p := range net.Nodes[a].Peers() {
		if p.ID == net.Nodes[b].ID() {
			return p.Connected
		}
	}
	return false
}

// TestQuickRestartIsBackInTheMesh takes a node down and up at once, with the same identity. A second later it
// hears blocks by gossip as ever: a round of statuses or a sync would be slower than this waits.
func TestQuickRestartIsBackInTheMesh(t *testing.T) {
	syncs := &counter{word: "sync started"}
	bubble(t, p2ptest.Options{Nodes: 5, Log: syncs}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		net.Rest(2 * time.Second)
		net.Mine(0, 1)
		net.Converge(time.Second)
		net.Stop(3)
		net.Start(3)
		net.Rest(time.Second)
		for i := range 10 {
			net.Mine(i%3, 1)
			net.Reach(50*time.Millisecond, net.Nodes[i%3].Chain.Tip().Hash)
		}
		nobodyBlamed(t, net)
	})
	if n := syncs.count(); n > 0 {
		t.Errorf("%d syncs, want none", n)
	}
}

// nobodyBlamed fails the test if a node has recorded a fault of another.
func nobodyBlamed(t *testing.T, net *p2ptest.Net) {
	t.Helper()
	honest := make(map[string]int)
	for _, n := range net.Nodes {
		honest[n.ID()] = n.Index
	}
	for _, n := range net.Nodes {
		for id, why := range n.Blamed() {
			if i, ok := honest[id]; ok {
				t.Errorf("node %d blames node %d: %s", n.Index, i, why)
			}
		}
	}
}

// TestDeepSyncHoldsNobodyUp lets a node mine and spread blocks while another one downloads its whole chain over
// a long link.
func TestDeepSyncHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	delay := func(a, b int) time.Duration {
		if a == 2 || b == 2 {
			return 400 * time.Millisecond
		}
		return time.Millisecond
	}
	bubble(t, p2ptest.Options{Nodes: 3, Delay: delay}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		net.Stop(2)
		net.Mine(0, 2000)
		net.Reach(10*time.Second, net.Nodes[0].Chain.Tip().Hash, 1)
		net.Start(2)
		during := 0
		for net.Nodes[2].Chain.Tip().Index < 2000 {
			net.Mine(0, 1)
			net.Reach(50*time.Millisecond, net.Nodes[0].Chain.Tip().Hash, 1)
			if net.Nodes[2].SyncStatus().Active {
				during++
			}
			net.Rest(20 * time.Millisecond)
		}
		if during == 0 {
			t.Error("no block was mined during the sync")
		}
		net.Converge(10 * time.Second)
		nobodyBlamed(t, net)
	})
}
