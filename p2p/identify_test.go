package p2p_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
)

// TestIdentifyTellsWhoAnswers: with the network's swarm key, or without one, the address that comes back can be
// dialled. With another key nobody answers.
func TestIdentifyTellsWhoAnswers(t *testing.T) {
	r := chaintest.Rules()
	key := func(digit string) []byte {
		return []byte("/key/swarm/psk/1.0.0/\n/base16/\n" + strings.Repeat(digit, 64) + "\n")
	}
	for _, own := range [][]byte{nil, key("a")} {
		with := func(c *p2p.Config) { c.SwarmKey = own }
		n, other := runNode(t, r, with), runNode(t, r, with)
		ctx, cancel := context.WithTimeout(t.Context(), hosttest.Soon)
		defer cancel()
		address, err := p2p.Identify(ctx, hostPort(t, n.Addresses()[0]), own)
		if err != nil || address != n.Addresses()[0] {
			t.Fatalf("got %s, %v, want %s", address, err, n.Addresses()[0])
		}
		if err := other.Connect(address); err != nil {
			t.Fatal(err)
		}
		hosttest.Eventually(t, "the nodes are connected", func() bool { return n.connectedTo(other) })
		short, cancel := context.WithTimeout(t.Context(), time.Second) // who has another key understands nothing, and may wait for more
		defer cancel()
		if address, err := p2p.Identify(short, hostPort(t, n.Addresses()[0]), key("b")); err == nil {
			t.Errorf("with another key %s answers", address)
		}
	}
}

// TestIdentifyRefusesWhatNoNodeMayDial asks for a metadata service.
func TestIdentifyRefusesWhatNoNodeMayDial(t *testing.T) {
	if _, err := p2p.Identify(t.Context(), "169.254.169.254:80", nil); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v", err)
	}
}

// hostPort returns the TCP part of a multiaddr.
func hostPort(t *testing.T, address string) string {
	t.Helper()
	at, _ := ma.SplitFunc(ma.StringCast(address), func(c ma.Component) bool { return c.Protocol().Code == ma.P_P2P })
	to, err := manet.ToNetAddr(at)
	if err != nil {
		t.Fatal(err)
	}
	return to.(*net.TCPAddr).String()
}
