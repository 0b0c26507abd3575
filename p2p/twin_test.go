package p2p_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
)

const twinLine = "another node has the same identity"

// runTwins runs two nodes with one identity. The first is told of the second by met.
func runTwins(t *testing.T, met func(a, b *testNode)) (a, b *testNode, dir string) {
	t.Helper()
	r, key := chaintest.Rules(), hosttest.Key(t)
	var at []string
	dir = t.TempDir()
	same := func(c *p2p.Config) {
		c.Identity, c.Dir = key, dir
		c.AskURL = func(context.Context, string) (p2p.Answer, error) { return p2p.Answer{Addresses: at}, nil }
	}
	b = runNode(t, r, same)
	at = b.Addresses()
	a = runNode(t, r, same)
	met(a, b)
	return a, b, dir
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
		"by multicast": func(_ *testing.T, a, b *testNode) {
			a.Table().AddHearsay(peer.AddrInfo{ID: b.Host().ID(), Addrs: b.Host().Addrs()}, true)
		},
		"by a friend": func(_ *testing.T, a, b *testNode) {
			a.Table().AddHearsay(peer.AddrInfo{ID: b.Host().ID(), Addrs: b.Host().Addrs()}, false)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b, dir := runTwins(t, func(a, b *testNode) { met(t, a, b) })
			for _, n := range []*testNode{a, b} {
				hosttest.Eventually(t, "it is said", func() bool { return strings.Contains(n.log.String(), twinLine) })
				if text := n.log.String(); !strings.Contains(text, filepath.Join(dir, "identity.key")) || strings.Count(text, twinLine) != 1 {
					t.Errorf("not once, or without the file %s: %s", filepath.Join(dir, "identity.key"), text)
				}
			}
		})
	}
}

// listsTwin waits until exactly one entry of n's list is a node with its identity.
func (n *testNode) listsTwin(t *testing.T) {
	t.Helper()
	hosttest.Eventually(t, "it is listed", func() bool {
		all := n.Peers()
		return len(all) == 1 && strings.HasPrefix(all[0].State, "same identity as this node") && all[0].ID == "" && all[0].Address != ""
	})
}

// TestTwinThatNobodyAskedForIsListed on both sides: where multicast found it, and where it dialled.
func TestTwinThatNobodyAskedForIsListed(t *testing.T) {
	a, b, _ := runTwins(t, func(a, b *testNode) {
		a.Table().AddHearsay(peer.AddrInfo{ID: b.Host().ID(), Addrs: b.Host().Addrs()}, true)
	})
	a.listsTwin(t)
	b.listsTwin(t)
	if at := a.Peers()[0].Address; at != b.Addresses()[0] {
		t.Errorf("listed as %s, not %s", at, b.Addresses()[0])
	}
}

// TestRegisteredTwinStays: by URL and by multiaddr, while an address of the node itself is left out.
func TestRegisteredTwinStays(t *testing.T) {
	var a, b *testNode
	a, b, _ = runTwins(t, func(_, _ *testNode) {})
	for _, address := range []string{"http://127.0.0.1:5000", b.Addresses()[0]} {
		if err := a.Register(t.Context(), []string{address, a.Addresses()[0]}); err != nil {
			t.Fatal(err)
		}
		all := a.Registered()
		if len(all) != 1 || !strings.HasPrefix(all[0].State, "same identity as this node, next try in") {
			t.Errorf("%s: %+v", address, all)
		}
		a.AskRegistered(t.Context(), func(p2p.Registered) {})
		if now := a.Registered(); len(now) != 1 || now[0].State != all[0].State {
			t.Errorf("%s: %+v once it was asked again", address, now)
		}
		a.listsTwin(t)
		if err := a.Disconnect(address); err != nil {
			t.Error(err)
		}
	}
}

// TestOneNodeIsNoTwin gives a node its own addresses in every way.
func TestOneNodeIsNoTwin(t *testing.T) {
	var own []string
	n := runNode(t, chaintest.Rules(), func(c *p2p.Config) {
		c.Listen = []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.2/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"}
		c.QUIC = true
		c.AskURL = func(context.Context, string) (p2p.Answer, error) { return p2p.Answer{Addresses: own}, nil }
	})
	own = n.Addresses()
	if len(own) != 3 {
		t.Fatalf("addresses %v", own)
	}
	n.Table().AddHearsay(peer.AddrInfo{ID: n.Host().ID(), Addrs: n.Host().Addrs()}, true)
	for i, at := range append(own, "http://127.0.0.1:5000") {
		if err := n.Connect(at); err != nil {
			t.Fatal(err)
		}
		hosttest.Eventually(t, "it knows itself", func() bool { return strings.Count(n.log.String(), "static peer is this node") == i+1 })
	}
	if strings.Contains(n.log.String(), twinLine) {
		t.Errorf("it takes itself for another node: %s", n.log)
	}
	if len(n.Peers()) != 0 {
		t.Errorf("it is its own peer: %+v", n.Peers())
	}
}

// TestTwinIsShown lists an address that was asked for and leads to a twin, and why it is not connected.
func TestTwinIsShown(t *testing.T) {
	a, _, _ := runTwins(t, func(a, b *testNode) {
		if err := a.Connect(b.Addresses()[0]); err != nil {
			t.Fatal(err)
		}
	})
	hosttest.Eventually(t, "the reason is shown", func() bool {
		all := a.Peers()
		return len(all) == 1 && all[0].LastError == "another node has this node's identity" && !all[0].NextDial.IsZero()
	})
}
