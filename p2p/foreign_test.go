package p2p_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"kuai/chain/chaintest"
	"kuai/p2p/hosttest"
	"kuai/p2p/stream"
)

// TestStaticPeerOfAnotherNetworkRests asks for a peer of another network: one line of the log, and no dial
// before its time.
func TestStaticPeerOfAnotherNetworkRests(t *testing.T) {
	other := chaintest.Rules()
	other.Version++
	a, b := runNode(t, chaintest.Rules(), nil), runNode(t, other, nil)
	for _, n := range []*testNode{a, b} { // a node that is met before it answers is of no network yet
		hosttest.Eventually(t, "it answers", func() bool { return slices.Contains(n.Host().Mux().Protocols(), stream.ID(n.Net(), stream.Status)) })
	}
	if err := b.Connect(a.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	rests := func() bool {
		p, ok := b.peer(a.ID())
		return ok && !p.Connected && strings.Contains(p.LastError, "another network, "+a.Net()) && time.Until(p.NextDial) > 5*time.Minute
	}
	hosttest.Eventually(t, "it is left alone", rests)
	for _, n := range []*testNode{a, b} {
		hosttest.Eventually(t, "it is said", func() bool { return strings.Contains(n.log.String(), "of another network") })
		text := n.log.String()
		for _, unwanted := range []string{"peer connected", "peer disconnected", "level=WARN"} {
			if strings.Contains(text, unwanted) {
				t.Errorf("%q: %s", unwanted, text)
			}
		}
		if strings.Count(text, "of another network") != 1 || !strings.Contains(text, a.Net()) || !strings.Contains(text, b.Net()) {
			t.Errorf("not one line with both networks: %s", text)
		}
	}
	if err := b.Connect(a.Addresses()[0]); err != nil { // asked for again
		t.Fatal(err)
	}
	hosttest.Eventually(t, "it is dialled at once", func() bool { return strings.Count(b.log.String(), "of another network") == 2 || !rests() })
}
