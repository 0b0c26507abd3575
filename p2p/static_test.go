package p2p_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
)

// TestOneNodeByManyNames gives a node itself, and one peer under three addresses and a URL.
func TestOneNodeByManyNames(t *testing.T) {
	r := chaintest.Rules()
	a := runNode(t, r, nil)
	at := a.Addresses()[0]
	said := make(chan []string, 2)
	b := runNode(t, r, func(c *p2p.Config) {
		c.Peers = []string{at, strings.Replace(at, "127.0.0.1", "127.0.0.2", 1), at, "http://127.0.0.1:5000", "http://127.0.0.1:5001"}
		c.AskURL = func(_ context.Context, url string) (p2p.Answer, error) {
			if url == "http://127.0.0.1:5000" {
				return p2p.Answer{Addresses: []string{at}}, nil
			}
			return p2p.Answer{Addresses: <-said}, nil
		}
	})
	said <- b.Addresses()
	hosttest.Eventually(t, "the node knows itself", func() bool { return strings.Contains(b.log.String(), "static peer is this node") })
	hosttest.Eventually(t, "the two are connected", func() bool { return a.connectedTo(b) && b.connectedTo(a) })
	if len(a.Peers()) != 1 || len(b.Peers()) != 1 {
		t.Errorf("%d and %d peers, want one each: %+v %+v", len(a.Peers()), len(b.Peers()), a.Peers(), b.Peers())
	}
}

// TestAURLLeadsToAnotherPeer: the node behind a URL is replaced by another one. The old peer is an ordinary one
// from then on.
func TestAURLLeadsToAnotherPeer(t *testing.T) {
	r := chaintest.Rules()
	first, second := runNode(t, r, nil), runNode(t, r, nil)
	var said atomic.Pointer[testNode]
	said.Store(first)
	b := runNode(t, r, func(c *p2p.Config) {
		c.Peers = []string{"http://127.0.0.1:5000"}
		c.AskURL = func(context.Context, string) (p2p.Answer, error) {
			return p2p.Answer{Addresses: said.Load().Addresses()}, nil
		}
	})
	protected := func(n *testNode) bool {
		static := slices.ContainsFunc(b.Peers(), func(p p2p.Peer) bool { return p.ID == n.ID() && p.Static })
		return static && b.Host().ConnManager().IsProtected(n.Host().ID(), "static")
	}
	hosttest.Eventually(t, "the first is a static peer", func() bool { return b.connectedTo(first) && protected(first) })
	said.Store(second)
	first.stop()
	hosttest.Eventually(t, "the second is one", func() bool { return b.connectedTo(second) && protected(second) })
	if protected(first) {
		t.Error("the first is one still")
	}
	for _, n := range []*testNode{first, second} {
		b.Table().Punish(n.Host().ID(), errors.New("a test"))
	}
	if !b.Table().IsRefused(first.Host().ID()) || b.Table().IsRefused(second.Host().ID()) {
		t.Error("an ordinary peer that breaks the protocol is refused, a static one is not")
	}
}

// TestAURLThatFallsSilent led to a peer that can be reached all the same.
func TestAURLThatFallsSilent(t *testing.T) {
	r := chaintest.Rules()
	a := runNode(t, r, nil)
	var silent atomic.Bool
	b := runNode(t, r, func(c *p2p.Config) {
		c.Peers = []string{"http://127.0.0.1:5000"}
		c.AskURL = func(context.Context, string) (p2p.Answer, error) {
			if silent.Load() {
				return p2p.Answer{}, errors.New("nobody answers")
			}
			return p2p.Answer{Addresses: a.Addresses()}, nil
		}
	})
	hosttest.Eventually(t, "the two are connected", func() bool { return b.connectedTo(a) })
	silent.Store(true)
	before := b.Host().Network().ConnsToPeer(a.Host().ID())
	for _, c := range before {
		c.Close()
	}
	hosttest.Eventually(t, "the two are connected again", func() bool {
		return slices.ContainsFunc(b.Host().Network().ConnsToPeer(a.Host().ID()), func(c network.Conn) bool { return !slices.Contains(before, c) })
	})
}

// TestReasonOfEachRegisteredAddress: of several addresses of one peer each has its own.
func TestReasonOfEachRegisteredAddress(t *testing.T) {
	r := chaintest.Rules()
	n, other, id := runNode(t, r, nil), runNode(t, r, nil), hosttest.ID(t).String()
	want := map[string]string{freePort(t) + "/p2p/" + id: "unreachable: connection refused"}
	taken, _, _ := strings.Cut(other.Addresses()[0], "/p2p/")
	want[taken+"/p2p/"+id] = "unreachable: another peer answers there"
	if err := n.Register(t.Context(), slices.Collect(maps.Keys(want))); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "each says why", func() bool {
		return !slices.ContainsFunc(n.Registered(), func(r p2p.Registered) bool { return r.Reason != want[r.Address] })
	})
}

// TestOwnURLsAreNotKept: one node has very many names, and a client may give them all.
func TestOwnURLsAreNotKept(t *testing.T) {
	own := make(chan []string)
	b := runNode(t, chaintest.Rules(), func(c *p2p.Config) {
		c.AskURL = func(context.Context, string) (p2p.Answer, error) { return p2p.Answer{Addresses: <-own}, nil }
	})
	for i := range 20 {
		if err := b.Connect(fmt.Sprintf("http://127.0.0.%d:5000", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		own <- b.Addresses()
	}
	hosttest.Eventually(t, "none is kept", func() bool { return strings.Count(b.log.String(), "static peer is this node") == 20 })
}
