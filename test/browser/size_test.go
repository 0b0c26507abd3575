package browser

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/memory"
	"github.com/chromedp/chromedp"

	"kuai/test/process"
)

var (
	watchedBlocks = flag.Int("watched-blocks", 0, "how many blocks TestPageKeepsItsSize lets come; 0: it has the page look at old blocks instead")
	watchedRate   = flag.Int("watched-rate", 20, "how many of them come in a second")
	rounds        = [2]int{6_000, 13_500} // blocks seen at the two looks: the page keeps 5,000, then forgets all but 1,250, so it holds as many at both
)

// mostGrowth bounds what the page's scripts may hold more at the second look, in MiB. The blocks between the two looks take 3.
const mostGrowth = 1

// size is what a page holds.
type size struct {
	heap             float64 // MiB
	nodes, listeners int64
}

// measure returns what the page holds when nothing is garbage.
func measure(p *tab) size {
	p.t.Helper()
	held(p)
	heap := held(p) // what the first collection has queued is collected, too
	counters, err := chromedp.Call(p.ctx, memory.GetDOMCounters, cdp.Empty{})
	if err != nil {
		p.t.Fatal(err)
	}
	return size{heap, counters.Nodes, counters.JsEventListeners}
}

// TestPageKeepsItsSize has a page see 6,000 and then 13,500 blocks, more than it keeps, and go through all views now and then: what it holds in memory,
// in its document and in listeners stays the same. By default it asks for old blocks, some thousand a second. With -watched-blocks 13500 so many
// blocks come, 20 a second, in 11 minutes; with -watched-rate 3 in 75:
//
//	go test ./test/browser -run KeepsItsSize -watched-blocks 13500 -timeout 2h -v
func TestPageKeepsItsSize(t *testing.T) {
	n := startNode(t, "--lab", "--network", networkFile(t, "easy", 0), "--log-level", "warn")
	if *watchedBlocks == 0 {
		for range rounds[1] / 100 {
			n.mineBlocks(100)
		}
	}
	p := openTab(t, n, wide, high)
	p.shows("live", "Live")
	views := func() {
		n.pay("alice", "bob")
		n.mine()
		for _, view := range []string{"forks", "network", "mining", "lab", "block/latest", "address/carol", "chain"} {
			p.route("#/" + view)
			p.wait(view+" is open", `document.querySelector("main > section:not([hidden]) :is(h1, h2)") !== null && !document.querySelector("#detail .wait")`)
		}
		var now struct{ Height int }
		n.ask("GET", "/node", "", &now)
		p.wait("it has caught up", fmt.Sprintf(`document.querySelector(%q)?.textContent === (%d).toLocaleString("en")`, newest+"b", now.Height))
	}
	see := func(from, to int) {
		for at := from; at < to; at += 500 {
			p.run(fmt.Sprintf(`import("/web/blocks.js").then((b) => b.load(%d, %d))`, at, min(at+500, to)))
		}
	}
	if *watchedBlocks > 0 {
		tick := time.NewTicker(time.Second / time.Duration(*watchedRate))
		defer tick.Stop()
		see = func(from, to int) {
			for at := from; at < min(to, *watchedBlocks); at++ {
				n.mine()
				if at%1000 == 0 {
					views()
				}
				<-tick.C
			}
		}
	}
	views() // what is made once is there
	see(1, rounds[0]+1)
	views()
	first := measure(p)
	see(rounds[0]+1, rounds[1]+1)
	views()
	var second size
	process.Eventually(t, "the page holds no more than before", settle, func() error { // a card may still be on its way out
		second = measure(p)
		if second.heap-first.heap > mostGrowth || second.nodes > first.nodes || second.listeners > first.listeners {
			return fmt.Errorf("%+v after %d blocks, %+v after %d; the heap may grow by %d MiB", first, rounds[0], second, rounds[1], mostGrowth)
		}
		return nil
	})
	t.Logf("%+v after %d blocks, %+v after %d", first, rounds[0], second, rounds[1])
}
