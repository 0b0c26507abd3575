package peers

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestFaultsLeaveAPeerAloneLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFaults(slog.New(slog.DiscardHandler))
		p, friend, clean := peer.ID("p"), peer.ID("friend"), peer.ID("clean")
		f.Protect(friend)
		wait := refuseFirst
		for range 12 {
			f.bad(p, "test")
			f.bad(friend, "test")
			time.Sleep(min(wait, maxRefuse) - time.Second)
			if !f.IsRefused(p) || !f.Paused(p) || !f.Paused(friend) || f.IsRefused(friend) {
				t.Fatalf("a second before %s: p refused %t paused %t, friend refused %t paused %t",
					wait, f.IsRefused(p), f.Paused(p), f.IsRefused(friend), f.Paused(friend))
			}
			time.Sleep(time.Second)
			if f.IsRefused(p) || f.Paused(p) || f.Paused(friend) {
				t.Fatalf("still left alone after %s", wait)
			}
			wait *= 2
		}
		if f.IsRefused(clean) || f.Paused(clean) || f.Score(clean) != 0 {
			t.Error("a peer without faults is held to have some")
		}
	})
}

func TestScoreCountsWhatIsProvableAndFades(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFaults(slog.New(slog.DiscardHandler))
		f.Stall("slow", "test")
		f.otherNetwork("foreign", "a", "b")
		for range 3 {
			f.bad("bad", "test")
		}
		if f.Score("slow") != 0 || f.Score("foreign") != 0 || f.Score("bad") != -3 {
			t.Fatalf("scores %v %v %v", f.Score("slow"), f.Score("foreign"), f.Score("bad"))
		}
		time.Sleep(penaltyHalfLife)
		if got := f.Score("bad"); got < -1.51 || got > -1.49 {
			t.Errorf("after a half life the score is %v", got)
		}
		time.Sleep(20 * penaltyHalfLife)
		if got := f.Score("bad"); got != 0 {
			t.Errorf("after a long time the score is %v", got)
		}
	})
}

func TestStallsPauseLongerUntilProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFaults(slog.New(slog.DiscardHandler))
		for _, seconds := range []int{1, 2, 4, 8} {
			f.Stall("p", "test")
			time.Sleep(time.Duration(seconds)*time.Second - time.Millisecond)
			if !f.Paused("p") {
				t.Fatalf("no longer paused before %d s", seconds)
			}
			time.Sleep(time.Millisecond)
		}
		f.Progressed("p")
		f.Stall("p", "test")
		time.Sleep(time.Second)
		if f.Paused("p") || f.IsRefused("p") {
			t.Error("a stall after progress is not the first")
		}
	})
}

func TestFaultsAreBounded(t *testing.T) {
	f := newFaults(slog.New(slog.DiscardHandler))
	f.Protect("friend")
	f.bad("friend", "test")
	for i := range 2 * maxFaulty {
		f.bad(peer.ID(rune(i)), "test")
	}
	if len(f.peers) > maxFaulty {
		t.Errorf("%d peers remembered, at most %d wanted", len(f.peers), maxFaulty)
	}
	if !f.Paused("friend") {
		t.Error("a static peer was forgotten")
	}
}
