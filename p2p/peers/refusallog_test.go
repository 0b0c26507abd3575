package peers

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/p2p/stream"
)

func TestRefusalLogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		l := newRefusalLog(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug})))
		lines := func() int { return strings.Count(text.String(), "\n") }
		for range 10_000 {
			l.write("loud", "/proto", "refused", "error", "rubbish")
		}
		if n := lines(); n != refusalsOfPeer {
			t.Errorf("%d lines about one peer, want %d", n, refusalsOfPeer)
		}
		l.write("quiet", "/proto", "refused", "error", "rubbish")
		if !strings.Contains(text.String(), fmt.Sprintf("lines_withheld=%d\n", 10_000-refusalsOfPeer)) {
			t.Error("the next line does not say how many were withheld")
		}
		for i := range 10 * stream.MaxRatePeers {
			l.write(peer.ID(fmt.Sprint(i)), "/proto", "refused", "error", "rubbish")
		}
		if n := lines(); n > refusalsOfAll || l.peers.Size() > stream.MaxRatePeers {
			t.Errorf("%d lines about %d peers that are remembered, want at most %d", n, l.peers.Size(), refusalsOfAll)
		}
		time.Sleep(time.Minute)
		before := lines()
		l.write("loud", "/proto", "refused", "error", "rubbish")
		if lines() != before+1 {
			t.Error("after a silence, a refusal is not logged")
		}
	})
}

func TestRefusalLogAtInfoIsSilentAndRemembersNothing(t *testing.T) {
	var text bytes.Buffer
	l := newRefusalLog(slog.New(slog.NewTextHandler(&text, nil)))
	l.write("p", "/proto", "refused", "error", "rubbish")
	if text.Len() > 0 || l.peers.Size() > 0 {
		t.Errorf("it wrote %q and remembers %d peers", text.String(), l.peers.Size())
	}
}
