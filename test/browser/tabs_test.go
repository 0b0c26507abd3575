package browser

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// TestManyTabs opens more tabs than a browser opens connections to a host.
func TestManyTabs(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	var tabs []*tab
	for range 7 {
		p := openTab(t, n, wide, high)
		p.shows("live", "Live")
		p.tipIs(1, ".miner", "First block")
		tabs = append(tabs, p)
	}
	n.mine()
	for _, p := range tabs {
		p.tipIs(2, ".miner", short(n.id()))
	}
	t.Log("they go on when the first is closed")
	tabs[0].close()
	n.mine()
	for _, p := range tabs[1:] {
		p.tipIs(3, ".miner", short(n.id()))
	}
	t.Log("an action in one is seen in all")
	tabs[1].press("#pay button")
	for _, p := range tabs[1:] {
		p.shows("pending", "1")
	}
}

// TestReorgIsToldOnce: each tab tells of a reorg, and the browser keeps one story of it.
func TestReorgIsToldOnce(t *testing.T) {
	t.Parallel()
	n, other := startNode(t), startNode(t)
	n.mine()
	other.mineBlocks(2)
	tabs := []*tab{openTab(t, n, wide, high), openTab(t, n, wide, high), openTab(t, n, wide, high)}
	for _, p := range tabs {
		p.shows("live", "Live")
	}
	n.register(other)
	for _, p := range tabs {
		p.shows("news-text", "left the chain")
	}
	for _, p := range tabs {
		p.route("#/forks")
		p.wait("there is one story", `document.querySelectorAll("#reorgs li p").length === 1`)
	}
	p := openTab(t, n, wide, high)
	p.route("#/forks")
	p.wait("one is kept", `document.querySelectorAll("#reorgs li p").length === 1`)
}

// without is done before a page is loaded: the browser lacks what the script deletes.
func without(script string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	})
}

// TestWithoutSharedWorkers is a browser that has none: one of the tabs has the stream, and another one once
// that is closed.
func TestWithoutSharedWorkers(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	script := without(`delete window.SharedWorker;
		window.streams = 0;
		const Real = window.EventSource;
		window.EventSource = class extends Real { constructor(url) { super(url); window.streams++; } };`)
	one := openTab(t, n, wide, high, script)
	one.shows("live", "Live")
	two := openTab(t, n, wide, high, script)
	two.shows("live", "Live")
	n.mine()
	for _, p := range []*tab{one, two} {
		p.tipIs(2, ".miner", short(n.id()))
	}
	if a, b := eval[int](one, `window.streams`), eval[int](two, `window.streams`); a != 1 || b != 0 {
		t.Errorf("the tabs have %d and %d streams", a, b)
	}
	one.close()
	two.wait("the other tab has one now", `window.streams === 1`)
	n.mine()
	two.tipIs(3, ".miner", short(n.id()))
}

// TestWithoutLocks is a browser that has neither: each tab has a stream of its own.
func TestWithoutLocks(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	p := openTab(t, n, wide, high, without(`delete window.SharedWorker; delete window.BroadcastChannel`))
	p.shows("live", "Live")
	n.mine()
	p.tipIs(2, ".miner", short(n.id()))
}
