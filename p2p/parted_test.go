package p2p_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
)

// TestDisconnectedPeerStaysAway: a peer that dials by itself does not come back after a disconnect, until it is
// asked for again.
func TestDisconnectedPeerStaysAway(t *testing.T) {
	r := chaintest.Rules()
	a, b := runNode(t, r, nil), runNode(t, r, nil)
	if err := a.Connect(b.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the two are connected", func() bool { return b.connectedTo(a) })
	if err := b.Disconnect(a.ID()); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "it dials again, and is refused", func() bool {
		return strings.Contains(b.log.String(), "connection of a refused peer closed")
	})
	if b.connectedTo(a) {
		t.Error("it has come back")
	}
	if err := b.Connect(a.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the two are connected again", func() bool { return b.connectedTo(a) })
}

// TestPeerStaysAwayThatWasDisconnectedByItsURL: the API names a registered node by its URL first, and then by
// its peer id.
func TestPeerStaysAwayThatWasDisconnectedByItsURL(t *testing.T) {
	const url = "http://127.0.0.1:5000"
	r := chaintest.Rules()
	a := runNode(t, r, nil)
	b := runNode(t, r, func(c *p2p.Config) {
		c.Peers = []string{url}
		c.AskURL = func(context.Context, string) (p2p.Answer, error) { return p2p.Answer{Addresses: a.Addresses()}, nil }
	})
	hosttest.Eventually(t, "the two are connected", func() bool { return b.connectedTo(a) })
	if err := b.Disconnect(url); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "it has left", func() bool { return !b.connectedTo(a) })
	if err := b.Disconnect(a.ID()); err != nil && !errors.Is(err, chain.ErrNotFound) {
		t.Fatal(err)
	}
	if err := a.Connect(b.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "it is refused", func() bool { return strings.Contains(b.log.String(), "connection of a refused peer closed") })
}
