package peers

import (
	"strconv"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// TestTheirsAreBounded asks as many peers as are kept, each again after a while.
func TestTheirsAreBounded(t *testing.T) {
	k := newReportedPeers()
	var all []peer.ID
	for i := range 2 * maxReports {
		all = append(all, peer.ID("peer "+strconv.Itoa(i)))
	}
	first := k.due(all, time.Now())
	if len(first) != maxReports {
		t.Fatalf("%d are asked, want %d", len(first), maxReports)
	}
	for _, p := range all {
		k.note(p, []peer.AddrInfo{{ID: "a"}})
	}
	if len(k.byPeer) != maxReports {
		t.Errorf("%d answers are kept, want %d", len(k.byPeer), maxReports)
	}
	if again := k.due(all, time.Now()); len(again) != 0 {
		t.Errorf("%d are asked again at once", len(again))
	}
	if again := k.due(all, time.Now().Add(reportEvery)); len(again) != maxReports {
		t.Errorf("%d are asked later, want %d", len(again), maxReports)
	}
	k.forget(first[0])
	if next := k.due(all, time.Now()); len(next) != 1 {
		t.Errorf("%d are asked in the place of one that left, want 1", len(next))
	}
}
