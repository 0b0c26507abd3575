package browser

import (
	"flag"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var watched = flag.Duration("watched", time.Minute, "how long BenchmarkPage lets 20 blocks a second come")

// BenchmarkPage measures the page of a node with 100,000 blocks: the time until the browser has painted it, b.N times; and, while 20 blocks a
// second come for as long as -watched says and four views are open in turn, the longest task that keeps the page from answering its user (0: none
// took 50 ms), with the scripts that it ran, and what the page holds before and after.
//
//	go test ./test/browser -run '^$' -bench Page -benchtime 20x -watched 1h
func BenchmarkPage(b *testing.B) {
	const blocks, each = 100_000, 50 * time.Millisecond
	n := startNode(b, "--network", networkFile(b, "web", 1), "--log-level", "warn")
	for range blocks / 100 {
		n.mineBlocks(100)
	}
	p := openTab(b, n, wide, high)
	var paints []float64
	for b.Loop() {
		p.do(chromedp.Reload())
		p.wait("it is painted", `performance.getEntriesByName("first-contentful-paint").length === 1`)
		paints = append(paints, eval[float64](p, `performance.getEntriesByName("first-contentful-paint")[0].startTime`))
	}
	slices.Sort(paints)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(paints[len(paints)/2], "first-paint-ms")

	before := measure(p) // before the tasks are watched: a collection that is asked for is one as well
	p.run(`window.longest = 0; window.frames = [];
		new PerformanceObserver((list) => list.getEntries().forEach((e) => { longest = Math.max(longest, e.duration) })).observe({ type: "longtask" });
		new PerformanceObserver((list) => list.getEntries().forEach((e) => frames.push({ ms: e.duration, blocked: e.blockingDuration, view: location.hash,
			scripts: e.scripts.map((s) => s.invoker + " " + Math.round(s.duration)) }))).observe({ type: "long-animation-frame" })`)
	tick := time.NewTicker(each)
	defer tick.Stop()
	views := []string{"chain", "forks", "network", "mining"}
	for began, i := time.Now(), 0; time.Since(began) < *watched; <-tick.C {
		n.mine()
		if now := int(time.Since(began) * time.Duration(len(views)) / *watched); now != i && now < len(views) {
			i = now
			p.route("#/" + views[i])
		}
	}
	b.ReportMetric(eval[float64](p, `longest`), "longest-task-ms")
	b.Logf("the frame that kept the page busy the longest: %s", eval[string](p, `JSON.stringify(frames.reduce((a, b) => b.blocked > a.blocked ? b : a, { blocked: 0 }))`))
	p.route("#/chain")
	p.wait("it shows blocks", `document.querySelector(".card b") !== null`)
	after := measure(p)
	b.ReportMetric(before.heap, "MiB-before")
	b.ReportMetric(after.heap, "MiB-after")
	b.ReportMetric(float64(before.nodes), "nodes-before")
	b.ReportMetric(float64(after.nodes), "nodes-after")
}

// held returns what the page's scripts hold, in MiB, when nothing is garbage.
func held(p *tab) float64 {
	call(p, heapprofiler.CollectGarbage, cdp.Empty{})
	usage, err := chromedp.Call(p.ctx, runtime.GetHeapUsage, cdp.Empty{})
	if err != nil {
		p.t.Fatal(err)
	}
	return usage.UsedSize / (1 << 20)
}

// BenchmarkBlockOnEveryTab measures how long a block of another node takes to be seen on each of three tabs, in the median and at most. The tabs
// are asked each 50 ms.
//
//	go test ./test/browser -run '^$' -bench BlockOnEveryTab -benchtime 20x
func BenchmarkBlockOnEveryTab(b *testing.B) {
	n := startNode(b)
	other := startNode(b, "--peer", n.multiaddr())
	var tabs []*tab
	for range 3 {
		p := openTab(b, n, wide, high)
		p.shows("live", "Live")
		p.shows("peers", "1")
		tabs = append(tabs, p)
	}
	var took []float64
	for height := 2; b.Loop(); height++ {
		other.mine()
		began := time.Now()
		for _, p := range tabs {
			p.tipIs(height, ".miner", short(other.id()))
		}
		took = append(took, float64(time.Since(began).Milliseconds()))
	}
	slices.Sort(took)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(took[len(took)/2], "median-ms")
	b.ReportMetric(took[len(took)-1], "most-ms")
}
