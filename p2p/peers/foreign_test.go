package peers

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"kuai/p2p/hosttest"
)

// TestForeignersInTheLog meets many peers of other networks for an hour.
func TestForeignersInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &hosttest.Log{}
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
