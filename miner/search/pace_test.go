package search

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestPaceKeepsTheShare(t *testing.T) {
	for _, share := range []int{1, 25, 50, 99, 100} {
		synctest.Test(t, func(t *testing.T) {
			began, p, looks := time.Now(), newPace(share), 0
			const chunks, each = 2000, 50 * time.Microsecond
			for range chunks {
				time.Sleep(each) // stands for a chunk: the clock is virtual
				p.rest(t.Context(), func() { looks++ })
			}
			took := time.Since(began)
			want := chunks * each * 100 / time.Duration(share)
			if took > want || took < want-leastRest {
				t.Errorf("share %d: took %v, want %v", share, took, want)
			}
			if least := int((took - chunks*each) / mostRest); looks < least {
				t.Errorf("share %d: looked %d times, want %d at least", share, looks, least)
			}
		})
	}
}

func TestRestEndsWithTheSearch(t *testing.T) {
	for _, who := range []string{"the caller", "the lookout"} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			p, began := newPace(1), time.Now()
			time.Sleep(time.Second) // a rest of 99 s is due
			look := func() {}
			if who == "the caller" {
				time.AfterFunc(time.Millisecond, cancel)
			} else {
				look = cancel
			}
			p.rest(ctx, look)
			if took := time.Since(began) - time.Second; took > time.Millisecond {
				t.Errorf("%s ended the search, and the rest went on for %v", who, took)
			}
		})
	}
}
