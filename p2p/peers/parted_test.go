package peers

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"kuai/p2p/hosttest"
	"kuai/p2p/stream"
)

// TestPartedPeerIsNotRemembered: what a peer says of itself may be heard of after it was disconnected on request.
func TestPartedPeerIsNotRemembered(t *testing.T) {
	h, other, log := hosttest.New(t), hosttest.New(t), &hosttest.Log{}
	table := New(h, NewGater(h.ID(), "", nil, log.Logger()), Config{Network: "test"}, log.Logger())
	if err := h.Connect(t.Context(), peer.AddrInfo{ID: other.ID(), Addrs: other.Addrs()}); err != nil {
		t.Fatal(err)
	}
	conn := h.Network().ConnsToPeer(other.ID())[0]
	if err := table.Disconnect(other.ID().String()); err != nil {
		t.Fatal(err)
	}
	table.identified(other.ID(), conn, other.Addrs(), []protocol.ID{stream.ID("test", stream.Status)}, "late")
	if err := h.Network().ClosePeer(other.ID()); err != nil {
		t.Fatal(err)
	}
	table.disconnected(other.ID())
	if list := table.List(); len(list) > 0 {
		t.Errorf("still listed: %+v", list)
	}
}
