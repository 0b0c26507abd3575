package p2p_test

import (
	"sync/atomic"
	"testing"
	"time"

	"kuai/p2p/p2ptest"
)

// TestPeersShowWhoseClockIsAhead sets one of two clocks wrong, both ways, and right again.
func TestPeersShowWhoseClockIsAhead(t *testing.T) {
	var wrong atomic.Int64
	ahead := func(i int) time.Duration { return time.Duration(int64(i) * wrong.Load()) }
	bubble(t, p2ptest.Options{Nodes: 2, Ahead: ahead}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		for _, skew := range []time.Duration{0, 3 * time.Hour, -time.Minute, 0} {
			wrong.Store(int64(skew))
			net.Rest(10 * time.Second) // some statuses
			for i, want := range []time.Duration{skew, -skew} {
				if p := net.Nodes[i].Peers(); len(p) != 1 || p[0].ClockAhead != want {
					t.Errorf("node %d, want %v: %+v", i, want, p)
				}
			}
		}
	})
}
