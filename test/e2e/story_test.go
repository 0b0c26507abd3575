package e2e

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"kuai/rpc/api"
	"kuai/test/process"
)

// TestStory is what a class does in its first hour.
func TestStory(t *testing.T) {
	a := startDaemon(t)
	b := startDaemon(t, "--peer", a.url())
	c := startDaemon(t, "--peer", b.multiaddr())
	all := []*daemon{a, b, c}

	t.Log("a payment posted on one node is pending on all")
	id := a.pay(1)
	everywhere(t, id, all, "pending")

	t.Log("a block mined on any node is the tip of all")
	for i, d := range []*daemon{b, c, a} {
		if got := d.mine(); got.Index != int64(i+2) {
			t.Fatalf("mined block %d, want %d", got.Index, i+2)
		}
		agreed(t, all...)
	}
	everywhere(t, id, all, "mined")

	t.Log("a node that was away catches up")
	c.Stop()
	a.mineMany(3)
	late := b.pay(2)
	c.Restart()
	if tip := agreed(t, all...); tip.Height != 7 {
		t.Errorf("agreed on block %d, want 7", tip.Height)
	}
	everywhere(t, late, all, "pending")

	t.Log("a new node catches up")
	d := startDaemon(t, "--peer", c.url())
	all = append(all, d)
	agreed(t, all...)
	everywhere(t, late, all, "pending")
	d.mine()
	agreed(t, all...)
	everywhere(t, late, all, "mined")

	t.Log("all chains are the same, byte for byte, and valid")
	sameChains(t, all)
}

// sameChains compares what the nodes answer to GET /chain.
func sameChains(t *testing.T, nodes []*daemon) {
	t.Helper()
	first := fmt.Sprint(nodes[0].chain())
	for _, d := range nodes[1:] {
		if got := fmt.Sprint(d.chain()); got != first {
			t.Errorf("port %d has another chain than port %d:\n%s\n%s", d.port, nodes[0].port, got, first)
		}
	}
}

// TestApart lets two sides mine apart, then brings them together.
func TestApart(t *testing.T) {
	a := startDaemon(t)
	b := startDaemon(t, "--peer", a.url())
	c := startDaemon(t)
	d := startDaemon(t, "--peer", c.url())
	short, long, all := []*daemon{a, b}, []*daemon{c, d}, []*daemon{a, b, c, d}

	dropped := a.pay(1)
	everywhere(t, dropped, short, "pending")
	b.mineMany(2)
	everywhere(t, dropped, short, "mined")
	kept := c.pay(2)
	everywhere(t, kept, long, "pending")
	d.mineMany(4)
	everywhere(t, kept, long, "mined")
	winner := agreed(t, long...)

	a.register(c.multiaddr())
	if tip := agreed(t, all...); tip.Tip != winner.Tip {
		t.Fatalf("agreed on %s (block %d), want the longer chain's %s (block %d)", tip.Tip, tip.Height, winner.Tip, winner.Height)
	}
	t.Log("the payment of the dropped branch is pending again, everywhere")
	everywhere(t, dropped, short, "returned")
	everywhere(t, dropped, long, "pending")
	everywhere(t, kept, all, "mined")

	d.mine()
	agreed(t, all...)
	everywhere(t, dropped, all, "mined")
	for _, node := range all {
		if n := occurrences(node.chain(), dropped); n != 1 {
			t.Errorf("the payment is %d times on the chain of port %d", n, node.port)
		}
	}
	sameChains(t, all)
}

// occurrences counts a payment on a chain.
func occurrences(chain []api.Block, id string) (n int) {
	for _, b := range chain {
		for _, tx := range b.Transactions {
			if tx.ID == id {
				n++
			}
		}
	}
	return n
}

// TestRegister connects nodes that know nothing of each other, and lets one resolve.
func TestRegister(t *testing.T) {
	for _, c := range []struct {
		name string
		as   func(*daemon) string
	}{
		{"multiaddr", (*daemon).multiaddr},
		{"URL", (*daemon).url},
		{"host and port", func(d *daemon) string { return fmt.Sprintf("127.0.0.1:%d", d.port) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := startDaemon(t), startDaemon(t)
			a.mineMany(2)
			b.register(c.as(a))
			agreed(t, a, b)
			b.mine() // the connection is mutual
			agreed(t, a, b)
			var answer api.Resolved
			b.get("/nodes/resolve", &answer)
			if answer.Message != "Our chain is authoritative" || len(answer.Chain) != 4 {
				t.Errorf("resolve with equal chains says %q with %d blocks", answer.Message, len(answer.Chain))
			}
		})
	}
}

// TestRestart stops a node and starts it with no word about its peer.
func TestRestart(t *testing.T) {
	a, b := startDaemon(t), startDaemon(t)
	b.register(a.url())
	agreed(t, a, b)
	first := b.pay(1)
	b.mine()
	second := b.pay(2)
	before := b.node()

	b.Stop()
	b.Restart()
	after := b.node()
	if after.PeerID != before.PeerID {
		t.Errorf("peer id %s before, %s after", before.PeerID, after.PeerID)
	}
	if after.Tip != before.Tip {
		t.Errorf("tip %d before, %d after", before.Height, after.Height)
	}
	if got := b.pending(); !slices.Equal(got, []string{second}) {
		t.Errorf("pending after the restart: %q, want %q", got, second)
	}
	if got := b.transaction(first); got != "mined" {
		t.Errorf("the mined payment is %q after the restart", got)
	}
	process.Eventually(t, "the peer is found again", settle, func() error {
		if n := b.node().Peers; n != 1 {
			return fmt.Errorf("%d peers", n)
		}
		return nil
	})
	agreed(t, a, b) // or a block of a's would be as long as b's, and each would keep its own
	a.mine()
	agreed(t, a, b)
}

// TestEphemeral leaves nothing behind.
func TestEphemeral(t *testing.T) {
	d := startDaemon(t, "--ephemeral")
	d.mine()
	d.Stop()
	if left, err := os.ReadDir(d.dir); err == nil {
		t.Errorf("an ephemeral node left %v", left)
	}
	d.Start("--ephemeral")
	if n := d.node(); n.Height != 1 {
		t.Errorf("height %d after a restart in memory", n.Height)
	}
}
