package peers

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kuai/p2p/hosttest"
)

// TestHandshakeWithin: who is known to be near gets less time, who is far enough of it, and of who is unknown nothing is assumed.
func TestHandshakeWithin(t *testing.T) {
	for trip, want := range map[time.Duration]time.Duration{
		0:                      dialTimeout,
		time.Millisecond:       dialLeast,
		500 * time.Millisecond: 4 * time.Second,
		2 * time.Second:        dialTimeout,
	} {
		if got := handshakeWithin(trip); got != want {
			t.Errorf("%v for a round trip of %v, want %v", got, trip, want)
		}
	}
}

// TestStaticPeerIsAWarningOnceItLasts fails to reach a peer as long as neighbours take that start together, and longer.
func TestStaticPeerIsAWarningOnceItLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &hosttest.Log{}
		st := &statics{f: newFaults(log.Logger()), log: log.Logger()}
		s := &static{key: "it"}
		warnings := func() int { return strings.Count(log.String(), "level=WARN") }
		for began := time.Now(); time.Since(began) < lasting; time.Sleep(mostRetryStatic) {
			st.settle(s, errRefused)
		}
		if warnings() != 0 {
			t.Errorf("a warning at once: %s", log)
		}
		for range 20 {
			st.settle(s, errRefused)
		}
		if warnings() != 1 {
			t.Errorf("%d warnings, want 1", warnings())
		}
		st.settle(s, nil)
		st.settle(s, errRefused)
		if warnings() != 1 {
			t.Errorf("a warning at the first failure after a success: %s", log)
		}
	})
}
