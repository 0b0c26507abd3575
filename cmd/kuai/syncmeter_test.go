package main

import (
	"bytes"
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kuai/rpc"
	"kuai/rpc/api"
)

// TestSyncIsMeasuredAndShown: a sync of 2,000 blocks a second is shown with its rate and the rest, and the line goes when it ends.
func TestSyncIsMeasuredAndShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, over := time.Now(), atomic.Bool{}
		look := func() rpc.SyncStatus {
			if over.Load() {
				return rpc.SyncStatus{}
			}
			return rpc.SyncStatus{Active: true, Height: 2 * time.Since(begun).Milliseconds(), Target: 100_000, Peer: "p"}
		}
		var out bytes.Buffer
		m, line := &syncMeter{look: look}, &statusLine{w: &out}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.run(ctx, line) }()
		time.Sleep(10*time.Second + time.Millisecond) // of the bubble's clock
		synctest.Wait()
		if got := m.status().Rate; got != 2000 {
			t.Errorf("rate %v, want 2000", got)
		}
		if want := "syncing: at block 20000 of 100000, 20 %, 2000 blocks/s, about 40s left"; !strings.HasSuffix(out.String(), clearLine+want) {
			t.Errorf("%q", out.String())
		}
		if _, err := line.Write([]byte("a line of the log\n")); err != nil || !strings.Contains(out.String(), clearLine+"a line of the log\nsyncing: ") {
			t.Errorf("%q, %v", out.String(), err)
		}
		over.Store(true)
		time.Sleep(time.Second)
		synctest.Wait()
		if !strings.HasSuffix(out.String(), clearLine) || m.status().Rate != 0 {
			t.Errorf("%q", out.String())
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestNoTerminalShowsNothing: a log that is read by programs has no such line.
func TestNoTerminalShowsNothing(t *testing.T) {
	var line *statusLine
	line.set("syncing")
}

func TestSyncText(t *testing.T) {
	for want, s := range map[string]api.NodeSync{
		"level with the peers":                                             {},
		"at block 5 of 500, 1 %, from p":                                   {Active: true, Height: 5, Target: 500, Peer: "p"},
		"at block 100 of 400, 25 %, 100 blocks/s, about 3s left, from p":   {Active: true, Height: 100, Target: 400, Rate: 100, Peer: "p"},
		"at block 399 of 400, 99 %, 1000 blocks/s, about 1s left, from me": {Active: true, Height: 399, Target: 400, Rate: 1000, Peer: "me"},
	} {
		if got := syncText(s, 1); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := syncText(api.NodeSync{}, 0); got != "no peers to sync with" {
		t.Errorf("%q", got)
	}
}
