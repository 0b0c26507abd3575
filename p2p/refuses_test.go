package p2p_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
	"kuai/p2p/stream"
)

// transports are the ways in which two nodes connect.
var transports = map[string]func(*p2p.Config){
	"tcp":  nil,
	"quic": func(c *p2p.Config) { c.Listen, c.QUIC = []string{"/ip4/127.0.0.1/udp/0/quic-v1"}, true },
}

// TestARefusedNodeIsToldWhy dials a hub that is full, and a node whose operator disconnected this one.
func TestARefusedNodeIsToldWhy(t *testing.T) {
	for name, way := range transports {
		t.Run(name, func(t *testing.T) {
			r := chaintest.Rules()
			hub := runNode(t, r, func(c *p2p.Config) {
				if c.TakePeers(1); way != nil {
					way(c)
				}
			})
			spoke := func() *testNode {
				return runNode(t, r, func(c *p2p.Config) {
					c.Peers = hub.Addresses()[:1]
					if c.DialNobody(); way != nil {
						way(c)
					}
				})
			}
			first := spoke()
			hosttest.Eventually(t, "the hub is full", func() bool { return hub.connectedTo(first) })
			saysOf := func(n *testNode, want string) func() bool {
				return func() bool {
					p, _ := n.peer(hub.ID())
					return !p.Connected && strings.HasPrefix(p.State, "unreachable") && p.Reason == "unreachable: "+want && p.LastError == want
				}
			}
			late := spoke()
			hosttest.Eventually(t, "another one is told that", saysOf(late, "it has as many connections as it may"))
			if err := hub.Disconnect(first.ID()); err != nil {
				t.Fatal(err)
			}
			hosttest.Eventually(t, "the first is told that it is refused", saysOf(first, "it refuses this node for a while"))
		})
	}
}

// TestANodeOfAnotherNetworkIsMetAgain: one that has met it before, and has forgotten that by a restart, is told
// its network again.
func TestANodeOfAnotherNetworkIsMetAgain(t *testing.T) {
	other := chaintest.Rules()
	other.Version++
	a := runNode(t, chaintest.Rules(), nil)
	hosttest.Eventually(t, "it answers", func() bool { return slices.Contains(a.Host().Mux().Protocols(), stream.ID(a.Net(), stream.Status)) })
	key, err := p2p.EphemeralIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		b := runNode(t, other, func(c *p2p.Config) { c.Identity, c.Peers = key, a.Addresses()[:1] })
		hosttest.Eventually(t, "its network is told", func() bool {
			p, ok := b.peer(a.ID())
			return ok && strings.HasPrefix(p.State, "other network, next try in ") && strings.HasSuffix(p.LastError, a.Net()) && time.Until(p.NextDial) > 5*time.Minute
		})
		hosttest.Eventually(t, "it knows theirs", func() bool { return a.Table().IsRefused(b.Host().ID()) })
		b.stop()
	}
}

// TestAPeerThatJoinsOurNetworkIsTaken: it was of another network before its restart.
func TestAPeerThatJoinsOurNetworkIsTaken(t *testing.T) {
	other := chaintest.Rules()
	other.Version++
	a := runNode(t, chaintest.Rules(), nil)
	hosttest.Eventually(t, "it answers", func() bool { return slices.Contains(a.Host().Mux().Protocols(), stream.ID(a.Net(), stream.Status)) })
	key, err := p2p.EphemeralIdentity()
	if err != nil {
		t.Fatal(err)
	}
	asks := func(c *p2p.Config) { c.Identity, c.Peers = key, a.Addresses()[:1] }
	b := runNode(t, other, asks)
	hosttest.Eventually(t, "it is of another network", func() bool { return a.Table().IsRefused(b.Host().ID()) })
	b.stop()
	b = runNode(t, chaintest.Rules(), asks)
	hosttest.Eventually(t, "it is connected", func() bool { return a.connectedTo(b) && b.connectedTo(a) && !a.Table().IsRefused(b.Host().ID()) })
}
