package p2p

import (
	"context"
	"strings"
	"testing"
	"time"

	"kuai/chain/chaintest"
)

// TestOneNodeByManyNames gives a node itself, and one peer under three addresses and a URL.
func TestOneNodeByManyNames(t *testing.T) {
	r := chaintest.Rules()
	a := runNode(t, r, nil)
	at := a.Addresses()[0]
	said := make(chan []string, 2)
	b := runNode(t, r, func(c *Config) {
		c.Peers = []string{at, strings.Replace(at, "127.0.0.1", "127.0.0.2", 1), at, "http://127.0.0.1:5000", "http://127.0.0.1:5001"}
		c.ResolveURL = func(_ context.Context, url string) ([]string, error) {
			if url == "http://127.0.0.1:5000" {
				return []string{at}, nil
			}
			return <-said, nil
		}
	})
	said <- b.Addresses()
	eventually(t, "the node knows itself", func() bool { return strings.Contains(b.log.String(), "static peer is this node") })
	eventually(t, "the two are connected", func() bool { return a.connectedTo(b) && b.connectedTo(a) })
	if len(a.Peers()) != 1 || len(b.Peers()) != 1 {
		t.Errorf("%d and %d peers, want one each: %+v %+v", len(a.Peers()), len(b.Peers()), a.Peers(), b.Peers())
	}
}

// TestHandshakeWithin: who is known to be near gets less time, who is far enough of it, and of who is unknown nothing is assumed.
func TestHandshakeWithin(t *testing.T) {
	for trip, want := range map[time.Duration]time.Duration{
		0:                      dialTimeout,
		time.Millisecond:       dialLeast,
		500 * time.Millisecond: 4 * time.Second,
		2 * time.Second:        dialTimeout,
	} {
		if got := handshakeWithin(trip); got != want {
			t.Errorf("%v for a round trip of %v, want %v", got, trip, want)
		}
	}
}
