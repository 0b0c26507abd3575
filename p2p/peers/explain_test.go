package peers

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
)

// TestCausesAreInTheOrderOfTheAddresses: that of the address which was given last is the first, and no cause is cut.
func TestCausesAreInTheOrderOfTheAddresses(t *testing.T) {
	latest, byName, older := ma.StringCast("/ip4/192.0.2.1/tcp/1"), ma.StringCast("/dns/node.example/tcp/2"), ma.StringCast("/ip4/192.0.2.3/tcp/3")
	failed := &swarm.DialError{Cause: swarm.ErrAllDialsFailed, DialErrors: []swarm.TransportError{
		{Address: older, Cause: errors.New("third")}, {Address: ma.StringCast("/ip4/192.0.2.2/tcp/2"), Cause: errors.New("second")}, {Address: latest, Cause: syscall.ECONNREFUSED},
	}}
	err := explained(t.Context(), []ma.Multiaddr{latest, byName, older}, fmt.Errorf("failed to dial: %w", failed))
	if _, got := stateOf(err); got != "connection refused, second, third" {
		t.Errorf("%q", got)
	}
	for range 20 {
		failed.DialErrors = append(failed.DialErrors, swarm.TransportError{Address: latest, Cause: errors.New("the end")})
	}
	if got := reason(err); len(got) > maxReason || got[len(got)-len("the end"):] != "the end" {
		t.Errorf("%q", got)
	}
}

// TestANameThatLeadsNowhere is named, whether it is known or not.
func TestANameThatLeadsNowhere(t *testing.T) {
	none := fmt.Errorf("failed to dial: %w", &swarm.DialError{Cause: swarm.ErrNoGoodAddresses})
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, want := range map[string]string{
		"/dns4/localhost/tcp/1": "no address that can be dialled", "/ip4/192.0.2.1/tcp/1": "no address that can be dialled",
		"/dns4/node.example/tcp/1": "the name node.example cannot be looked up",
	} {
		ctx := t.Context()
		if name == "/dns4/node.example/tcp/1" {
			ctx = over
		}
		if state, got := stateOf(explained(ctx, []ma.Multiaddr{ma.StringCast(name)}, none)); state != "unreachable" || got != want {
			t.Errorf("%s: %s: %q", name, state, got)
		}
	}
}
