package browser

import (
	"flag"
	"os"
	"path/filepath"
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
// second come for as long as -watched says, the longest task that keeps the page from answering its user, and what it holds in memory and in its document.
//
//	go test ./test/browser -run '^$' -bench Page -benchtime 20x -watched 1h
func BenchmarkPage(b *testing.B) {
	const blocks, each = 100_000, 50 * time.Millisecond
	file := filepath.Join(b.TempDir(), "network.json")
	if err := os.WriteFile(file, []byte(webNetwork), 0o600); err != nil {
		b.Fatal(err)
	}
	n := startNode(b, "--network", file, "--log-level", "warn")
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

	p.run(`window.longest = 0; new PerformanceObserver(list => list.getEntries().forEach(e => { window.longest = Math.max(window.longest, e.duration) })).observe({ entryTypes: ["longtask"] })`)
	tick := time.NewTicker(each)
	defer tick.Stop()
	var heap, elements float64
	for began, first := time.Now(), true; time.Since(began) < *watched; <-tick.C {
		n.mine()
		if first && time.Since(began) > *watched/10 {
			heap, elements, first = held(p), eval[float64](p, `document.querySelectorAll("*").length`), false
		}
	}
	p.wait("it shows blocks", `document.querySelector(".card b") !== null`)
	b.ReportMetric(eval[float64](p, `longest`), "longest-task-ms")
	b.ReportMetric(heap, "MiB-at-a-tenth")
	b.ReportMetric(held(p), "MiB-at-the-end")
	b.ReportMetric(elements, "elements-at-a-tenth")
	b.ReportMetric(eval[float64](p, `document.querySelectorAll("*").length`), "elements-at-the-end")
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
