package p2p

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

// unbounded is a refusal log that withholds nothing.
func unbounded(log *slog.Logger) *refusalLog {
	l := newRefusalLog(log)
	l.all = rate.NewLimiter(rate.Inf, 0)
	l.peers.each = rate.Inf
	return l
}

func TestRefusalLogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		l := newRefusalLog(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug})))
		lines := func() int { return strings.Count(text.String(), "\n") }
		for range 10_000 {
			l.say("loud", "/proto", "refused", "error", "rubbish")
		}
		if n := lines(); n != refusalsOfPeer {
			t.Errorf("%d lines about one peer, want %d", n, refusalsOfPeer)
		}
		l.say("quiet", "/proto", "refused", "error", "rubbish")
		if !strings.Contains(text.String(), fmt.Sprintf("lines_withheld=%d\n", 10_000-refusalsOfPeer)) {
			t.Error("the next line does not say how many were withheld")
		}
		for i := range 10 * maxRefusers {
			l.say(peer.ID(fmt.Sprint(i)), "/proto", "refused", "error", "rubbish")
		}
		if n := lines(); n > refusalsOfAll || l.peers.peers.Len() > maxRefusers {
			t.Errorf("%d lines about %d peers that are remembered, want at most %d", n, l.peers.peers.Len(), refusalsOfAll)
		}
		time.Sleep(time.Minute)
		before := lines()
		l.say("loud", "/proto", "refused", "error", "rubbish")
		if lines() != before+1 {
			t.Error("after a silence, a refusal is not logged")
		}
	})
}

func TestRefusalLogAtInfoIsSilentAndRemembersNothing(t *testing.T) {
	var text bytes.Buffer
	l := newRefusalLog(slog.New(slog.NewTextHandler(&text, nil)))
	l.say("p", "/proto", "refused", "error", "rubbish")
	if text.Len() > 0 || l.peers.peers.Len() > 0 {
		t.Errorf("it wrote %q and remembers %d peers", text.String(), l.peers.peers.Len())
	}
}
