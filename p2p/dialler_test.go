package p2p_test

import (
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"kuai/chain/chaintest"
	"kuai/p2p/hosttest"
	"kuai/p2p/peers"
)

// blackHole takes connections and never says a word.
type blackHole struct {
	at   ma.Multiaddr
	open atomic.Int32 // connections that the dialler has not given up
}

func newBlackHole(t *testing.T) *blackHole {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	b := &blackHole{at: ma.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", l.Addr().(*net.TCPAddr).Port))}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.open.Add(1)
			go func() {
				_, _ = io.Copy(io.Discard, c)
				b.open.Add(-1)
				c.Close()
			}()
		}
	}()
	return b
}

// TestBlackHolesDelayNobody remembers one peer that lives, and more that hang than there are slots and dials.
func TestBlackHolesDelayNobody(t *testing.T) {
	r := chaintest.Rules()
	living, hole := runNode(t, r, nil), newBlackHole(t)
	var file []bookEntry
	for range 2 * peers.WantOutbound {
		file = append(file, bookEntry{ID: hosttest.IDOf(t, hosttest.Key(t)), Addrs: []string{hole.at.String()}, Stayed: 3600, Seen: 1})
	}
	began := time.Now()
	n := runNode(t, r, remembering(t, file...))
	hosttest.Eventually(t, "all slots hang", func() bool { return hole.open.Load() >= peers.WantOutbound })
	n.Table().AddHearsay(peer.AddrInfo{ID: living.Host().ID(), Addrs: living.Host().Addrs()}, false)
	hosttest.Eventually(t, "the living peer is connected", func() bool { return n.connectedTo(living) })
	hanging := hole.open.Load()
	if time.Since(began) > 10*time.Second {
		return // a slow machine: it was not connected because a dial ended
	}
	if hanging < peers.WantOutbound {
		t.Errorf("%d dials hang still, want %d: one must have ended first", hanging, peers.WantOutbound)
	}
}

// TestNeighboursThatAreNoneTakeNoSlots lets a multicast name very many peers that hang, while another one is
// remembered.
func TestNeighboursThatAreNoneTakeNoSlots(t *testing.T) {
	r := chaintest.Rules()
	living, n, hole := runNode(t, r, nil), runNode(t, r, nil), newBlackHole(t)
	for range 512 {
		n.Table().AddHearsay(peer.AddrInfo{ID: hosttest.ID(t), Addrs: []ma.Multiaddr{hole.at}}, true)
	}
	hosttest.Eventually(t, "the neighbours are dialled", func() bool { return hole.open.Load() >= 4 })
	n.Table().AddHearsay(peer.AddrInfo{ID: living.Host().ID(), Addrs: living.Host().Addrs()}, false)
	hosttest.Eventually(t, "the living peer is connected", func() bool { return n.connectedTo(living) })
	if dials := hole.open.Load(); dials > 32 {
		t.Errorf("%d dials are under way, at most 32 are fine", dials)
	}
}
