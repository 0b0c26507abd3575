package p2p

import (
	"strings"
	"testing"

	"kuai/chain/chaintest"
)

// TestDisconnectedPeerStaysAway: a peer that dials by itself does not come back after a disconnect, until it is asked for again.
func TestDisconnectedPeerStaysAway(t *testing.T) {
	r := chaintest.Rules()
	a, b := runNode(t, r, nil), runNode(t, r, nil)
	if err := a.Connect(b.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the two are connected", func() bool { return b.connectedTo(a) })
	if err := b.Disconnect(a.ID()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it dials again, and is refused", func() bool {
		return strings.Contains(b.log.String(), "connection of a refused peer closed")
	})
	if b.connectedTo(a) {
		t.Error("it has come back")
	}
	if err := b.Connect(a.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the two are connected again", func() bool { return b.connectedTo(a) })
}
