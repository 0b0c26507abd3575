package p2p

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"

	"kuai/chain/chaintest"
)

func TestStatesInWords(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	at := ma.StringCast("/ip4/192.0.2.1/tcp/1")
	dial := func(causes ...error) error {
		e := &swarm.DialError{Cause: swarm.ErrAllDialsFailed}
		for _, c := range causes {
			e.DialErrors = append(e.DialErrors, swarm.TransportError{Address: at, Cause: c})
		}
		return fmt.Errorf("failed to dial: %w", e)
	}
	for _, c := range []struct {
		err  error
		next time.Duration
		want string
	}{
		{dial(refused, refused), 11*time.Second + time.Millisecond, "unreachable, next try in 12 s: connection refused"},
		{dial(refused, context.DeadlineExceeded), 5 * time.Minute, "unreachable, next try in 5 min: connection refused, no answer"},
		{context.DeadlineExceeded, 0, "unreachable: no answer"},
		{errLeft, time.Second, "unreachable, next try in 1 s: it closed the connection before it said its status"},
		{fmt.Errorf("%w, 1-1", errForeign), 10 * time.Minute, "other network, next try in 10 min"},
		{fmt.Errorf("http://192.0.2.1: %w", ErrFlask), 30 * time.Second, "Flask node, next try in 30 s"},
		{errTwin, 10 * time.Minute, "same identity as this node, next try in 10 min"},
		{errors.New("no idea"), 0, "unreachable: no idea"},
	} {
		state, cause := stateOf(c.err)
		if got := inWords(state, cause, c.next); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}

// shows waits until n shows exactly one peer, whose state begins as said.
func (n *testNode) shows(t *testing.T, state string) {
	t.Helper()
	eventually(t, "the state is "+state, func() bool {
		all := n.Peers()
		return len(all) == 1 && strings.HasPrefix(all[0].State, state)
	})
}

// TestStatesOfRealPeers gives nodes an address each at which something else is wrong.
func TestStatesOfRealPeers(t *testing.T) {
	r, other, key := chaintest.Rules(), chaintest.Rules(), newKey(t)
	other.Version++
	asks := func(at string, change func(*Config)) *testNode {
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
	asks("http://127.0.0.1:5000", func(c *Config) {
		c.ResolveURL = func(context.Context, string) ([]string, error) { return nil, fmt.Errorf("asked: %w", ErrFlask) }
	}).shows(t, "Flask node, next try in 1 s")
	same := func(c *Config) { c.Identity = key }
	asks(runNode(t, r, same).Addresses()[0], same).shows(t, "same identity as this node, next try in 10 min")
}

// TestRefusedPeerIsShown: a remembered peer that broke the protocol says so in its state.
func TestRefusedPeerIsShown(t *testing.T) {
	gone := peerOf(t)
	n := runNode(t, chaintest.Rules(), remembering(t, remembered{ID: gone.String(), Addrs: []string{"/ip4/127.0.0.1/tcp/9"}, Stayed: 1, Seen: 1}))
	n.f.bad(gone, "test")
	n.shows(t, "refused because it broke the protocol, next try in 10 min")
	if p := n.Peers()[0]; p.NextDial.IsZero() || gone.String() != p.ID {
		t.Errorf("%+v", p)
	}
}
