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
