package p2p

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"kuai/chain"
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
	await(t, "the node knows itself", func() bool { return strings.Contains(b.log.String(), "static peer is this node") })
	await(t, "the two are connected", func() bool { return a.connectedTo(b) && b.connectedTo(a) })
	if len(a.Peers()) != 1 || len(b.Peers()) != 1 {
		t.Errorf("%d and %d peers, want one each: %+v %+v", len(a.Peers()), len(b.Peers()), a.Peers(), b.Peers())
	}
}

// TestDisconnectByURL forgets a URL that never answered, one beside another that leads to the same peer, and the last that does.
func TestDisconnectByURL(t *testing.T) {
	r := chaintest.Rules()
	a := runNode(t, r, nil)
	const silent, first, second = "http://127.0.0.1:5000", "http://127.0.0.1:5001", "http://127.0.0.1:5002"
	var asked atomic.Int64
	b := runNode(t, r, func(c *Config) {
		c.Peers = []string{silent, first, second}
		c.ResolveURL = func(_ context.Context, url string) ([]string, error) {
			if url == silent {
				asked.Add(1)
				return nil, errors.New("nobody answers")
			}
			return a.Addresses(), nil
		}
	})
	await(t, "the silent one is asked again", func() bool { return asked.Load() > 1 })
	await(t, "both others have led to the peer", func() bool {
		b.statics.mu.Lock()
		defer b.statics.mu.Unlock()
		return b.statics.list[1].info.ID == a.h.ID() && b.statics.list[2].info.ID == a.h.ID()
	})
	await(t, "the two are connected", func() bool { return b.connectedTo(a) })

	gone := b.statics.list[0].gone
	for _, url := range []string{silent, first} {
		if err := b.Disconnect(url + "/"); err != nil {
			t.Error(err)
		}
	}
	<-gone // nobody holds it any more
	if p, ok := b.peer(a.ID()); !ok || !p.Connected || !p.Static {
		t.Errorf("the second URL leads to it still: %+v", p)
	}
	if err := b.Disconnect(second); err != nil {
		t.Error(err)
	}
	await(t, "the peer is forgotten", func() bool { _, ok := b.peer(a.ID()); return !ok })
	for _, url := range []string{silent, first, second} {
		if err := b.Disconnect(url); !errors.Is(err, chain.ErrNotFound) {
			t.Errorf("disconnected twice: %v", err)
		}
	}
}
