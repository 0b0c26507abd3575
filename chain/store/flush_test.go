package store_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/store"
)

// syncs counts how often a file is written to disk. While hold is set they wait, until it is closed; those of release fail then.
type syncs struct {
	count atomic.Int64
	mu    sync.Mutex
	hold  chan error
}

func (s *syncs) String() string { return "syncs" }

// MaybeError implements errorfs.Injector.
func (s *syncs) MaybeError(op errorfs.Op) error {
	switch op.Kind {
	case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
		s.count.Add(1)
		s.mu.Lock()
		hold := s.hold
		s.mu.Unlock()
		if hold != nil {
			return <-hold
		}
	}
	return nil
}

// stop makes syncs wait until release is called.
func (s *syncs) stop() (release func(error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hold := make(chan error, 1)
	s.hold = hold
	return func(err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.hold == hold { // else the next ones wait for another release
			s.hold = nil
		}
		if err != nil {
			hold <- err
		}
		close(hold)
	}
}

// slow is a chain on a disk whose syncs can be held.
func slow(t *testing.T) (c *chain.Chain, st *store.Store, disk *vfs.MemFS, s *syncs) {
	t.Helper()
	disk, s = vfs.NewCrashableMem(), &syncs{}
	st, err := store.OpenOn(errorfs.Wrap(disk, s), "data", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = chain.Open(st, rules(), later); err != nil {
		t.Fatal(err)
	}
	if err := c.Sync(); err != nil {
		t.Fatal(err)
	}
	return c, st, disk, s
}

// later is a clock for bubbles, whose own stands before the genesis.
func later() time.Time { return time.Now().AddDate(50, 0, 0) }

// shut closes what slow has opened; after a failure of the disk there is nothing to report.
func shut(t *testing.T, c *chain.Chain, st *store.Store) {
	t.Helper()
	failed := c.Err() != nil
	if err := c.Close(); err != nil && !failed {
		t.Error(err)
	}
	if err := st.Close(); err != nil && !failed {
		t.Error(err)
	}
}

// restarted is the chain that a crash leaves, with that much of what was not synced.
func restarted(t *testing.T, disk *vfs.MemFS, percent int) (c *chain.Chain, stop func()) {
	t.Helper()
	st, err := store.OpenOn(disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(1, 2))}), "data", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = chain.Open(st, rules(), later); err != nil {
		t.Fatal(err)
	}
	return c, func() { shut(t, c, st) }
}

// TestReceivedIsOnDiskWithinASecond: what peers send is there after a crash a second later, on a busy node and on one that falls
// idle, and a node at rest writes nothing.
func TestReceivedIsOnDiskWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, st, disk, s := slow(t)
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- c.Run(ctx) }()

		for round := range 20 {
			chaintest.Receive(t, c, "peer")
			want := state(c)
			<-time.After(time.Second)
			after, stop := restarted(t, disk, 0)
			if state(after) != want {
				t.Errorf("round %d: after a crash the tip is %d, it was %d", round, after.Tip().Index, c.Tip().Index)
			}
			stop()
		}

		before := s.count.Load()
		<-time.After(time.Hour)
		if n := s.count.Load() - before; n > 0 {
			t.Errorf("%d syncs in an hour without a change", n)
		}
		before = s.count.Load()
		for range 1000 { // a second of a flood
			if _, err := c.Submit(chaintest.Payment(), "peer"); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Millisecond)
		}
		if n := s.count.Load() - before; n > 10 {
			t.Errorf("%d syncs for the payments of a second, want few", n)
		}

		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		shut(t, c, st)
	})
}

// TestRunEndsWhenTheDiskFails: Run reports a failure of the disk, and the chain takes nothing more from peers.
func TestRunEndsWhenTheDiskFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, st, _, s := slow(t)
		release := s.stop()
		ran := make(chan error, 1)
		go func() { ran <- c.Run(t.Context()) }()
		chaintest.Receive(t, c, "peer")
		<-time.After(time.Second)
		release(errorfs.ErrInjected)
		if err := <-ran; err == nil {
			t.Error("Run says nothing of a disk that failed")
		}
		if _, err := c.Submit(chaintest.Payment(), "peer"); err == nil {
			t.Error("a payment is taken after the failure")
		}
		shut(t, c, st)
	})
}
