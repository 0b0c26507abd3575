package p2p_test

import (
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p"
	"kuai/p2p/p2ptest"
	"kuai/p2p/stream"
)

// announcementOn is an announcement of a block that extends parent.
func announcementOn(parent consensus.Header, hash consensus.Hash, size int) []byte {
	return fmt.Appendf(nil, `{"hash": "%s", "index": %d, "previous_hash": "%s", "size": %d}`, hash, parent.Index+1, parent.Hash, size)
}

// giveBlocks lets l answer requests by hash and counts them.
func giveBlocks(l *liar, r *consensus.Rules, answer func(s network.Stream)) (asked *atomic.Int64) {
	asked = new(atomic.Int64)
	l.h.SetStreamHandler(protocol.ID("/kuai/"+r.Network()+"/blocks/1"), func(s network.Stream) {
		asked.Add(1)
		answer(s)
	})
	return asked
}

// largeBlock is a valid block on parent that is too large to travel whole.
func largeBlock(t *testing.T, r *consensus.Rules, parent consensus.Header) *consensus.Block {
	t.Helper()
	txs := make([]consensus.Transaction, 700)
	for i := range txs {
		txs[i] = chaintest.Payment().Transaction()
	}
	b := chaintest.Block(t, r, parent, "miner", txs...)
	if len(b.Canonical()) <= 64<<10 {
		t.Fatalf("the block has %d bytes", len(b.Canonical()))
	}
	return b
}

// TestFalseAnnouncementsCostTheirSender announces 1,000 blocks a second that nobody holds. Only the sender is
// asked for them, and not often; other peers in the mesh are not, and their large blocks go through.
func TestFalseAnnouncementsCostTheirSender(t *testing.T) {
	for _, c := range []struct {
		name    string
		answer  func(s network.Stream)
		refused bool
	}{
		{"does not hold them", func(s network.Stream) { _, _ = s.Write(p2p.Frame(nil)); _ = s.Close() }, true},
		{"does not answer", func(network.Stream) {}, false},
		{"resets", func(s network.Stream) { _ = s.Reset() }, false},
		{"does not list the protocol", nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, p2ptest.Options{Nodes: 2}, func(t *testing.T, net *p2ptest.Net) {
				net.Connected(10 * time.Second)
				rules, tip := net.Nodes[0].Chain.Rules(), net.Nodes[0].Chain.Tip()
				honest, leave := enlist(t, net)
				defer leave()
				others := giveBlocks(honest, rules, func(s network.Stream) { _, _ = s.Write(p2p.Frame(nil)); _ = s.Close() })
				evil, leaveToo := enlistAt(t, net, nil)
				defer leaveToo()
				asked := new(atomic.Int64)
				if c.answer != nil {
					asked = giveBlocks(evil, rules, c.answer)
				}
				join(t, net, evil.h, 0)
				net.Rest(5 * time.Second) // into the mesh
				for range 20 {
					for range 50 {
						var hash consensus.Hash
						_, _ = rand.Read(hash[:])
						say(t, evil.blocks, announcementOn(tip, hash, 70_000))
					}
					net.Rest(50 * time.Millisecond)
				}
				net.Rest(10 * time.Second)
				if n := others.Load(); n > 0 {
					t.Errorf("a peer that announced nothing was asked %d times", n)
				}
				if n := asked.Load(); n > 12 {
					t.Errorf("the sender was asked %d times", n)
				}
				if why := net.Nodes[0].Blamed()[evil.h.ID().String()]; (why != "") != c.refused {
					t.Errorf("the sender is blamed: %q", why)
				}
				large := largeBlock(t, rules, tip)
				if err := net.Nodes[1].Chain.AddMined(large); err != nil {
					t.Fatal(err)
				}
				net.Reach(10*time.Second, large.Hash())
				nobodyBlamed(t, net)
			})
		})
	}
}

// TestAnnouncedBlockComesFromTheNextAnnouncer lets a liar announce a block first, and not give it. No sync can
// bring it: the announcement of the other peer, a duplicate for pubsub, is what it comes by.
func TestAnnouncedBlockComesFromTheNextAnnouncer(t *testing.T) {
	bubble(t, p2ptest.Options{Nodes: 2}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		rules, tip := net.Nodes[0].Chain.Rules(), net.Nodes[0].Chain.Tip()
		net.Nodes[1].Node.Host().RemoveStreamHandler(stream.ID(rules.Network(), stream.Sync))
		evil, leave := enlistAt(t, net, nil)
		defer leave()
		asked := giveBlocks(evil, rules, func(network.Stream) {})
		join(t, net, evil.h, 0)
		net.Rest(5 * time.Second)
		large := largeBlock(t, rules, tip)
		say(t, evil.blocks, announcementOn(tip, large.Hash(), len(large.Canonical())))
		net.Await(time.Second, "the liar is asked", func() bool { return asked.Load() > 0 })
		if err := net.Nodes[1].Chain.AddMined(large); err != nil {
			t.Fatal(err)
		}
		net.Reach(5*time.Second, large.Hash())
		nobodyBlamed(t, net)
	})
}
