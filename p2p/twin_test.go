package p2p

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"kuai/chain/chaintest"
)

const twinLine = "another node has the same identity"

// runTwins runs two nodes with one identity. The first is told of the second by met.
func runTwins(t *testing.T, met func(a, b *testNode)) (a, b *testNode) {
	t.Helper()
	r, key := chaintest.Rules(), newKey(t)
	var at []string
	same := func(c *Config) {
		c.Identity, c.Dir = key, t.TempDir()
		c.ResolveURL = func(context.Context, string) ([]string, error) { return at, nil }
	}
	b = runNode(t, r, same)
	at = b.Addresses()
	a = runNode(t, r, same)
	met(a, b)
	return a, b
}

// TestTwinsAreNamed lets two nodes with one identity meet in every way. Both logs say so, once, and what to do.
func TestTwinsAreNamed(t *testing.T) {
	connect := func(name func(b *testNode) string) func(*testing.T, *testNode, *testNode) {
		return func(t *testing.T, a, b *testNode) {
			if err := a.Connect(name(b)); err != nil {
				t.Fatal(err)
			}
		}
	}
	address := func(b *testNode) string { return b.Addresses()[0] }
	for name, met := range map[string]func(*testing.T, *testNode, *testNode){
		"by multiaddr": connect(address),
		"by name":      connect(func(b *testNode) string { return strings.Replace(address(b), "/ip4/127.0.0.1/", "/dns4/localhost/", 1) }),
		"by URL":       connect(func(*testNode) string { return "http://127.0.0.1:5000" }),
		"by multicast": func(_ *testing.T, a, b *testNode) { a.d.hear(peer.AddrInfo{ID: b.h.ID(), Addrs: b.h.Addrs()}, true) },
		"by a friend":  func(_ *testing.T, a, b *testNode) { a.d.hear(peer.AddrInfo{ID: b.h.ID(), Addrs: b.h.Addrs()}, false) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := runTwins(t, func(a, b *testNode) { met(t, a, b) })
			for _, n := range []*testNode{a, b} {
				eventually(t, "it is said", func() bool { return strings.Contains(n.log.String(), twinLine) })
				if text := n.log.String(); !strings.Contains(text, n.twin.key) || strings.Count(text, twinLine) != 1 {
					t.Errorf("not once, or without the file %s: %s", n.twin.key, text)
				}
			}
		})
	}
}

// TestOneNodeIsNoTwin gives a node its own addresses in every way.
func TestOneNodeIsNoTwin(t *testing.T) {
	var own []string
	n := runNode(t, chaintest.Rules(), func(c *Config) {
		c.Listen = []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.2/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"}
		c.QUIC = true
		c.ResolveURL = func(context.Context, string) ([]string, error) { return own, nil }
	})
	own = n.Addresses()
	if len(own) != 3 {
		t.Fatalf("addresses %v", own)
	}
	n.d.hear(peer.AddrInfo{ID: n.h.ID(), Addrs: n.h.Addrs()}, true)
	for _, at := range append(own, "http://127.0.0.1:5000") {
		if err := n.Connect(at); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it knows itself", func() bool {
			n.statics.mu.Lock()
			defer n.statics.mu.Unlock()
			return len(n.statics.list) == 0
		})
	}
	for _, a := range n.h.Addrs() {
		n.twin.came <- a // from where a look of its own came in
	}
	eventually(t, "all is judged", func() bool { return len(n.twin.came) == 0 })
	if strings.Contains(n.log.String(), twinLine) {
		t.Errorf("it takes itself for another node: %s", n.log)
	}
	if len(n.Peers()) != 0 {
		t.Errorf("it is its own peer: %+v", n.Peers())
	}
}

// TestTwinIsShown lists an address that was asked for and leads to a twin, and why it is not connected.
func TestTwinIsShown(t *testing.T) {
	a, b := runTwins(t, func(a, b *testNode) {
		if err := a.Connect(b.Addresses()[0]); err != nil {
			t.Fatal(err)
		}
	})
	eventually(t, "the reason is shown", func() bool {
		all := a.Peers()
		return len(all) == 1 && all[0].LastError == errTwin.Error() && !all[0].NextDial.IsZero()
	})
	_ = b
}

// ends are the addresses of a connection.
type ends struct{ local, remote ma.Multiaddr }

func (e ends) LocalMultiaddr() ma.Multiaddr  { return e.local }
func (e ends) RemoteMultiaddr() ma.Multiaddr { return e.remote }

// TestLookLasts keeps the connection of a look open until its other end has come in: a listener forgets one that ends before.
func TestLookLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin("", "", slog.New(slog.DiscardHandler))
		from := ma.StringCast("/ip4/127.0.0.1/tcp/40000")
		began, over := time.Now(), make(chan struct{})
		go func() {
			defer close(over)
			tw.secured(network.DirOutbound, ends{local: from})
		}()
		synctest.Wait()
		select {
		case <-over:
			t.Error("the connection may end before it has come in")
		default:
		}
		tw.secured(network.DirInbound, ends{remote: from})
		<-over
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waits %s for an end that has come in", waited)
		}
		tw.in = nil
		tw.secured(network.DirOutbound, ends{local: ma.StringCast("/ip4/127.0.0.1/tcp/40001")})
		if waited := time.Since(began); waited != twinArrives {
			t.Errorf("waits %s for an end that does not come in, not %s", waited, twinArrives)
		}
	})
}
