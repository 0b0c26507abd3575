package p2p_test

import (
	"strings"
	"testing"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
)

// TestFullHubRefusesOthers lets one peer more dial a hub than it takes. Those that are there stay, and the one
// that waits comes in when there is room, or when the operator of the hub asks for it.
func TestFullHubRefusesOthers(t *testing.T) {
	r := chaintest.Rules()
	hub := runNode(t, r, func(c *p2p.Config) { c.TakePeers(2) })
	at := hub.Addresses()[0]
	spoke := func() *testNode {
		return runNode(t, r, func(c *p2p.Config) { c.Peers = []string{at}; c.DialNobody() })
	}
	spokes := []*testNode{spoke(), spoke()}
	hosttest.Eventually(t, "the hub is full", func() bool { return hub.connectedTo(spokes[0]) && hub.connectedTo(spokes[1]) })

	late := spoke()
	hosttest.Eventually(t, "the third is refused again and again", func() bool {
		return strings.Count(hub.log.String(), "a peer too many") >= 3
	})
	if n := strings.Count(hub.log.String(), "as many as it takes"); n != 1 {
		t.Errorf("the operator is told %d times, want once: %s", n, hub.log)
	}
	if hub.connectedTo(late) || !hub.connectedTo(spokes[0]) || !hub.connectedTo(spokes[1]) {
		t.Errorf("the hub has %+v", hub.Peers())
	}
	hosttest.Eventually(t, "the third shows that it waits", func() bool { // for a moment it takes itself for connected
		p, _ := late.peer(hub.ID())
		return !p.Connected && strings.HasPrefix(p.State, "unreachable, next try in ") && strings.HasSuffix(p.State, ": it has as many connections as it may")
	})

	asked := spoke()
	if err := hub.Connect(asked.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "one that the hub asks for is let in", func() bool { return hub.connectedTo(asked) })
	for _, n := range []*testNode{spokes[0], asked} {
		n.stop()
	}
	hosttest.Eventually(t, "the third comes in once there is room", func() bool { return hub.connectedTo(late) })
}
