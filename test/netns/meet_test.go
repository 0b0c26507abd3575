//go:build linux

package netns

import (
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var restarts = flag.Int("restarts", 0, "restarts in TestRestartedDaemonsMeet; 0: fewer, the more daemons there are")

// acquaint starts all daemons, each with the first as its peer, and stops them when they are one network: from then on they remember
// each other.
func (f *fleet) acquaint() {
	f.t.Helper()
	f.nodes[0].begin()
	first := f.nodes[0].multiaddr()
	for _, n := range f.nodes[1:] {
		n.Launch("--peer", first)
	}
	f.ready()
	f.together()
	f.stop()
}

// meet starts all daemons at once and returns how long the start took, and how long after it they were one network.
func (f *fleet) meet(args ...string) (start, met time.Duration) {
	f.t.Helper()
	began := time.Now()
	f.launch(args...)
	f.ready()
	start = time.Since(began)
	f.together()
	return start, time.Since(began) - start
}

// TestRestartedDaemonsMeet stops daemons that are told of nobody and remember each other, and starts them at once.
func TestRestartedDaemonsMeet(t *testing.T) {
	for _, count := range []int{2, 5, 30} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			rounds := *restarts
			if rounds == 0 {
				rounds = max(1, 6/count)
			}
			f := newFleet(t, count)
			f.acquaint()
			var took []time.Duration
			for range rounds {
				_, met := f.meet()
				took = append(took, met)
				f.stop()
			}
			t.Logf("after the last was ready: %s", percentiles(took))
		})
	}
}

// percentiles sorts what was measured and says how it is spread.
func percentiles(took []time.Duration) string {
	slices.Sort(took)
	return fmt.Sprintf("half of %d within %v, 99 %% within %v, all within %v", len(took), part50(took), part99(took), took[len(took)-1])
}

// part50 is the median of what is sorted.
func part50(took []time.Duration) time.Duration { return took[len(took)/2] }

// part99 is the 99th percentile of what is sorted.
func part99(took []time.Duration) time.Duration { return took[len(took)*99/100] }

// BenchmarkRestart times TestRestartedDaemonsMeet: "start" until all daemons have said that they are ready, "met" from then until they are
// one network.
func BenchmarkRestart(b *testing.B) {
	for _, count := range []int{2, 5, 30} {
		b.Run(fmt.Sprintf("daemons=%d", count), func(b *testing.B) {
			f := newFleet(b, count)
			f.acquaint()
			var starts, took []time.Duration
			for b.Loop() {
				start, met := f.meet()
				starts, took = append(starts, start), append(took, met)
				f.stop()
			}
			reportTimes(b, "start", starts)
			reportTimes(b, "met", took)
		})
	}
}

// reportTimes sorts what was measured and reports how it is spread.
func reportTimes(b *testing.B, what string, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(part50(took).Seconds(), what+"-p50-s")
	b.ReportMetric(part99(took).Seconds(), what+"-p99-s")
	b.ReportMetric(took[len(took)-1].Seconds(), what+"-max-s")
}

// TestColdStart starts thirty daemons at once that know nobody and find each other by multicast.
func TestColdStart(t *testing.T) {
	f := newFleet(t, 30)
	start, met := f.meet("--mdns")
	t.Logf("all were ready after %v, and one network %v later", start, met)
	agreed(t, f.nodes[7].mine(), f.nodes...)
}

// BenchmarkColdStart times TestColdStart: from the first start of a process on until all are one network.
func BenchmarkColdStart(b *testing.B) {
	f := newFleet(b, 30) // one for all turns: two would fill the kernel's table of neighbours
	var took []time.Duration
	for b.Loop() {
		for _, n := range f.nodes {
			n.dir = filepath.Join(b.TempDir(), "data")
		}
		start, met := f.meet("--mdns")
		took = append(took, start+met)
		f.stop()
	}
	reportTimes(b, "met", took)
}
