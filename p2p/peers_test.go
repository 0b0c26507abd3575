package p2p_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
)

// freePort returns a loopback TCP address on which nothing listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return "/ip4/127.0.0.1/tcp/" + port
}

// TestPeersTellWhyOneIsNotReached asks for a dead port and for a URL that does not answer.
func TestPeersTellWhyOneIsNotReached(t *testing.T) {
	const url = "http://127.0.0.1:5999"
	dead := hosttest.IDOf(t, hosttest.Key(t))
	n := runNode(t, chaintest.Rules(), func(c *p2p.Config) {
		c.Peers = []string{freePort(t) + "/p2p/" + dead, url}
		c.AskURL = func(context.Context, string) (p2p.Answer, error) { return p2p.Answer{}, errors.New("nobody answers") }
	})
	for id, want := range map[string]struct{ address, reason string }{
		dead: {"/p2p/" + dead, "connection refused"},
		"":   {url, "nobody answers"},
	} {
		hosttest.Eventually(t, want.reason+" is told", func() bool {
			p, ok := n.peer(id)
			return ok && p.Static && !p.Connected && strings.HasSuffix(p.Address, want.address) &&
				strings.Contains(p.LastError, want.reason) && !p.NextDial.IsZero()
		})
	}
	for _, p := range n.Peers() {
		if strings.Contains(p.LastError, "\n") {
			t.Errorf("a reason of more than one line: %q", p.LastError)
		}
	}
}
