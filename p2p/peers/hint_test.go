package peers

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/p2p/hosttest"
)

// TestHintsForOwnRefusals dials a peer that this node refuses.
func TestHintsForOwnRefusals(t *testing.T) {
	g := NewGater("", "", nil, slog.New(slog.DiscardHandler))
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableMetrics(), libp2p.ConnectionGater(g))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	other := hosttest.New(t)
	g.f.bad(other.ID(), "test")
	if err := dial(t.Context(), h, peer.AddrInfo{ID: other.ID(), Addrs: other.Addrs()}); err == nil || !strings.Contains(hint(err), "refuses that peer") {
		t.Errorf("%v", err)
	}
}
