package chain

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Those who come while a write runs wait together for the next, and nobody for the one that had begun before.
func TestWaitersShareAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s syncs
		var all sync.WaitGroup
		writes, failed := 0, errors.New("the disk failed")
		write := func([]*made) error {
			writes++ // one at a time: the race detector would see two
			n := writes
			time.Sleep(time.Second)
			if n == 2 {
				return failed
			}
			return nil
		}
		for wave, want := range []error{nil, failed, nil} {
			for i := range 1 + 50*wave { // 1 while nobody waits, 51 during the first write, 101 during the second
				all.Go(func() {
					if err := s.share(nil, write); err != want {
						t.Errorf("wave %d, caller %d: got %v, want %v", wave, i, err, want)
					}
				})
			}
			time.Sleep(time.Second - time.Millisecond)
			synctest.Wait()
		}
		all.Wait()
		if writes != 3 {
			t.Errorf("%d writes, want 3", writes)
		}
		if err := s.share(nil, write); err != nil || writes != 4 {
			t.Errorf("a caller alone: %v after %d writes", err, writes)
		}
	})
}

// A write waits for as many payments as the last ones lead to expect, for a short time, and not for a caller who has none.
func TestWriteGathersPayments(t *testing.T) {
	for name, tc := range map[string]struct {
		last   [2]int
		come   []*made
		waited time.Duration
		wrote  int
	}{
		"alone":               {[2]int{1, 1}, []*made{{}}, 0, 1},
		"after a mined block": {[2]int{0, 1}, []*made{{}}, 0, 1},
		"as many as expected": {[2]int{2, 4}, []*made{{}, {}, {}}, 0, 3},
		"fewer":               {[2]int{2, 4}, []*made{{}, {}}, gatherFor, 2},
		"none":                {[2]int{2, 4}, []*made{nil}, 0, 0},
		"one who has none":    {[2]int{20, 20}, []*made{{}, {}, nil}, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := syncs{sizes: tc.last}
				began := time.Now()
				var all sync.WaitGroup
				for _, m := range tc.come {
					all.Go(func() {
						_ = s.share(m, func(together []*made) error {
							if waited := time.Since(began); waited != tc.waited || len(together) != tc.wrote {
								t.Errorf("%d payments are written after %v, want %d after %v", len(together), waited, tc.wrote, tc.waited)
							}
							return nil
						})
					})
					synctest.Wait()
				}
				all.Wait()
			})
		})
	}
}
