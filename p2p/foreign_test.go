package p2p

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"kuai/chain/chaintest"
)

// TestStaticPeerOfAnotherNetworkRests asks for a peer of another network: one line of the log, and no dial before its time.
func TestStaticPeerOfAnotherNetworkRests(t *testing.T) {
	other := chaintest.Rules()
	other.Version++
	a, b := runNode(t, chaintest.Rules(), nil), runNode(t, other, nil)
	if err := b.Connect(a.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	rests := func() bool {
		p, ok := b.peer(a.ID())
		return ok && !p.Connected && strings.Contains(p.LastError, "another network, "+a.s.network) && time.Until(p.NextDial) > refuseNetwork/2
	}
	eventually(t, "it is left alone", rests)
	for _, n := range []*testNode{a, b} {
		eventually(t, "it is said", func() bool { return strings.Contains(n.log.String(), "of another network") })
		text := n.log.String()
		for _, unwanted := range []string{"peer connected", "peer disconnected", "level=WARN"} {
			if strings.Contains(text, unwanted) {
				t.Errorf("%q: %s", unwanted, text)
			}
		}
		if strings.Count(text, "of another network") != 1 || !strings.Contains(text, a.s.network) || !strings.Contains(text, b.s.network) {
			t.Errorf("not one line with both networks: %s", text)
		}
	}
	if err := b.Connect(a.Addresses()[0]); err != nil { // asked for again
		t.Fatal(err)
	}
	eventually(t, "it is dialled at once", func() bool { return strings.Count(b.log.String(), "of another network") == 2 || !rests() })
}

// TestForeignersInTheLog meets many peers of other networks for an hour.
func TestForeignersInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &lines{}
		f := newFaults(slog.New(slog.NewTextHandler(log, nil)))
		for range 60 {
			for i := range 20 {
				f.otherNetwork(peer.ID(string(rune('a'+i))), "theirs", "ours")
			}
			time.Sleep(time.Minute)
		}
		named, summed := strings.Count(log.String(), "peer is of another network"), strings.Count(log.String(), "met again")
		if named != foreignLines || summed != 5 || !strings.Contains(log.String(), "times=200") {
			t.Errorf("%d named, %d sums: %s", named, summed, log)
		}
	})
}

// TestNetworkOf: a peer's network is known whatever the version of its status protocol.
func TestNetworkOf(t *testing.T) {
	for id, want := range map[protocol.ID]string{
		"/kuai/7fc07dc7599e3d61-1/status/1":     "7fc07dc7599e3d61-1",
		"/kuai/7fc07dc7599e3d61-1/status/23":    "7fc07dc7599e3d61-1",
		"/kuai/7fc07dc7599e3d61-1/sync/1":       "",
		"/kuai/7fc07dc7599e3d61-1/status/":      "",
		"/kuai/7fc07dc7599e3d61-1/status/x":     "",
		"/kuai/7fc07dc7599e3d61-1/status/1/2":   "",
		"/other/7fc07dc7599e3d61-1/status/1":    "",
		"x/kuai/7fc07dc7599e3d61-1/status/1":    "",
		"/kuai/7fc07dc7599e3d61-1/status/99999": "",
	} {
		if got, _ := networkOf(id); got != want {
			t.Errorf("%s: %q, not %q", id, got, want)
		}
	}
	ours := "7fc07dc7599e3d61-1"
	for speaks, want := range map[protocol.ID]string{protocol.ID("/kuai/" + ours + "/status/2"): "", "/kuai/other-1/status/2": "other-1", "/meshsub/1.2.0": ""} {
		if got := foreignNetwork([]protocol.ID{"/ipfs/id/1.0.0", speaks}, ours); got != want {
			t.Errorf("%s: of network %q, not %q", speaks, got, want)
		}
	}
}
