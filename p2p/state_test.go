package p2p_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
)

// shows waits until n shows exactly one peer, whose state begins as said.
func (n *testNode) shows(t *testing.T, state string) {
	t.Helper()
	hosttest.Eventually(t, "the state is "+state, func() bool {
		all := n.Peers()
		return len(all) == 1 && strings.HasPrefix(all[0].State, state)
	})
}

// TestStatesOfRealPeers gives nodes an address each at which something else is wrong.
func TestStatesOfRealPeers(t *testing.T) {
	r, other, key := chaintest.Rules(), chaintest.Rules(), hosttest.Key(t)
	other.Version++
	asks := func(at string, change func(*p2p.Config)) *testNode {
		n := runNode(t, r, change)
		if err := n.Connect(at); err != nil {
			t.Fatal(err)
		}
		return n
	}
	friend := runNode(t, r, nil)
	asks(friend.Addresses()[0], nil).shows(t, "connected")
	friend.shows(t, "connected")
	asks("/ip4/127.0.0.1/tcp/9/p2p/"+friend.ID(), nil).shows(t, "unreachable, next try in 1 s: connection refused")
	asks(runNode(t, other, nil).Addresses()[0], nil).shows(t, "other network, next try in 10 min")
	asks("http://127.0.0.1:5000", func(c *p2p.Config) {
		c.AskURL = func(context.Context, string) (p2p.Answer, error) {
			return p2p.Answer{}, fmt.Errorf("asked: %w", p2p.ErrFlask)
		}
	}).shows(t, "Flask node, next try in 1 s")
	same := func(c *p2p.Config) { c.Identity = key }
	asks(runNode(t, r, same).Addresses()[0], same).shows(t, "same identity as this node, next try in 10 min")
}

// TestRefusedPeerIsShown: a remembered peer that broke the protocol says so in its state.
func TestRefusedPeerIsShown(t *testing.T) {
	gone := hosttest.ID(t)
	n := runNode(t, chaintest.Rules(), remembering(t, bookEntry{ID: gone.String(), Addrs: []string{"/ip4/127.0.0.1/tcp/9"}, Stayed: 1, Seen: 1}))
	n.Table().Punish(gone, errors.New("test"))
	n.shows(t, "refused because it broke the protocol, next try in 10 min")
	if p := n.Peers()[0]; p.NextDial.IsZero() || gone.String() != p.ID {
		t.Errorf("%+v", p)
	}
}
