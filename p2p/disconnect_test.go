package p2p_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
)

func TestDisconnectForgetsAStaticPeer(t *testing.T) {
	r := chaintest.Rules()
	a, b := runNode(t, r, nil), runNode(t, r, nil)
	if err := b.Connect(a.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the two are connected", func() bool { return b.connectedTo(a) })
	if err := b.Disconnect(a.ID()); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the peer is forgotten", func() bool { _, ok := b.peer(a.ID()); return !ok })
	if err := b.Disconnect(a.ID()); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("a stranger was disconnected: %v", err)
	}
}

// TestDisconnectForgetsARememberedPeer names one that is in the address book only.
func TestDisconnectForgetsARememberedPeer(t *testing.T) {
	a, dir := runRemembered(t)
	a.stop()

	again := runNode(t, chaintest.Rules(), func(c *p2p.Config) { c.Dir = dir })
	if p, ok := again.peer(a.ID()); !ok || p.Connected || p.Static {
		t.Fatalf("listed %t: %+v", ok, p)
	}
	if err := again.Disconnect(a.ID()); err != nil {
		t.Error(err)
	}
	if p, ok := again.peer(a.ID()); ok {
		t.Errorf("still listed: %+v", p)
	}
	if err := again.Disconnect(a.ID()); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("disconnected twice: %v", err)
	}
}

// TestDisconnectByURL forgets a URL that never answered, one beside another that leads to the same peer, and
// the last that does.
func TestDisconnectByURL(t *testing.T) {
	r := chaintest.Rules()
	a := runNode(t, r, nil)
	const silent, first, second = "http://127.0.0.1:5000", "http://127.0.0.1:5001", "http://127.0.0.1:5002"
	var asked atomic.Int64
	b := runNode(t, r, func(c *p2p.Config) {
		c.Peers = []string{silent, first, second}
		c.AskURL = func(_ context.Context, url string) (p2p.Answer, error) {
			if url == silent {
				asked.Add(1)
				return p2p.Answer{}, errors.New("nobody answers")
			}
			return p2p.Answer{Addresses: a.Addresses()}, nil
		}
	})
	hosttest.Eventually(t, "the silent one is asked again", func() bool { return asked.Load() > 1 })
	hosttest.Eventually(t, "both others have led to the peer", func() bool {
		return !slices.ContainsFunc(b.Peers(), func(p p2p.Peer) bool { return p.Address == first || p.Address == second })
	})
	hosttest.Eventually(t, "the two are connected", func() bool { return b.connectedTo(a) })

	for _, url := range []string{silent, first} {
		if err := b.Disconnect(url + "/"); err != nil {
			t.Error(err)
		}
	}
	if p, ok := b.peer(a.ID()); !ok || !p.Connected || !p.Static {
		t.Errorf("the second URL leads to it still: %+v", p)
	}
	if err := b.Disconnect(second); err != nil {
		t.Error(err)
	}
	hosttest.Eventually(t, "the peer is forgotten", func() bool { _, ok := b.peer(a.ID()); return !ok })
	for _, url := range []string{silent, first, second} {
		if err := b.Disconnect(url); !errors.Is(err, chain.ErrNotFound) {
			t.Errorf("disconnected twice: %v", err)
		}
	}
}
