//go:build linux

package netns

import (
	"fmt"
	"testing"
	"time"

	"kuai/test/process"
)

// spokes is how many daemons are around the hub: a class.
const spokes = 30

// newHub runs a daemon that all others have as their peer. The others can only dial out, as in a class on a wireless network that
// isolates its stations. The hub is the first.
func newHub(t testing.TB) *fleet {
	t.Helper()
	f := newFleet(t, 1+spokes)
	for _, n := range f.nodes[1:] {
		n.at.run("iptables -A INPUT -i eth0 -p tcp --syn -j DROP")
	}
	f.nodes[0].begin()
	hub := f.nodes[0].multiaddr()
	for _, n := range f.nodes[1:] {
		n.Launch("--peer", hub)
	}
	f.ready()
	process.Eventually(t, "all spokes are at the hub", settle, func() error {
		if got := len(f.links(f.nodes[0])); got < spokes {
			return fmt.Errorf("%d of %d", got, spokes)
		}
		return nil
	})
	return f
}

// round lets each spoke mine a block, one after the other, and returns how long each block took to each other daemon.
func (f *fleet) round(a *arrivals) (took []time.Duration) {
	f.t.Helper()
	for _, n := range f.nodes[1:] {
		began := time.Now()
		for _, at := range a.everywhere(f.t, n.mine(), len(f.nodes)) {
			took = append(took, at.Sub(began))
		}
	}
	return took
}

// TestSpokesReachAll lets each spoke of a hub mine a block that all other spokes must have.
func TestSpokesReachAll(t *testing.T) {
	f := newHub(t)
	took := f.round(f.watch())
	for i, n := range f.nodes[1:] {
		if got := len(n.peers()); got != 1 {
			t.Errorf("spoke %d has %d peers, want the hub alone", i, got)
		}
	}
	t.Logf("blocks of %d spokes: %s", spokes, percentiles(took))
}

// BenchmarkSpokes times a block from the request to mine it at one spoke to each other spoke.
func BenchmarkSpokes(b *testing.B) {
	f := newHub(b)
	a := f.watch()
	var took []time.Duration
	for b.Loop() {
		took = append(took, f.round(a)...)
	}
	reportTimes(b, "block", took)
}
