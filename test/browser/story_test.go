package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Windows of a desktop and of a phone, in CSS pixels.
const (
	wide, high           = 1280, 900
	phoneWide, phoneHigh = 390, 844
)

// first returns an expression for the text of a cell in the first row of a table, counted from 1.
func first(table string, column int) string {
	return fmt.Sprintf(`document.querySelector("#%s tr:first-child td:nth-child(%d)")?.textContent`, table, column)
}

// Columns of the table of blocks.
const (
	columnIndex    = 1
	columnPayments = 3
	columnMiner    = 4
	columnFrom     = 5
)

// blockIs waits until the newest block has the index, and looks at a cell of it.
func (p *tab) blockIs(index, column int, text string) {
	p.t.Helper()
	p.wait(fmt.Sprintf("block %d is shown", index), fmt.Sprintf(`%s === "%d"`, first("blocks", columnIndex), index))
	p.wait(fmt.Sprintf("column %d of block %d is %q", column, index, text), fmt.Sprintf(`%s === %q`, first("blocks", column), text))
}

// short is how the page shows an address.
func short(id string) string { return id[:12] + "…" }

// TestPayAndMine is what a user does first.
func TestPayAndMine(t *testing.T) {
	n := startNode(t)
	p := openTab(t, n, wide, high)
	p.shows("live", "live")
	p.blockIs(1, columnMiner, "")
	p.shows("id", n.id())
	p.wait("the title", `document.title === "1 · kuai"`)
	p.shows("others", "none")
	p.picture("loaded")

	t.Log("a payment is pending")
	p.fill(`[name="recipient"]`, "王小明")
	p.fill(`[name="amount"]`, "5.0")
	p.press("#pay button")
	p.shows("said", "Transaction will be added to Block 2")
	p.wait("the payment is shown", first("payments", 2)+` === "王小明" && `+first("payments", 3)+` === "5.0"`)
	p.shows("pending", "1")
	p.focused("#pay button")

	t.Log("sent from a field, the focus stays in the field")
	p.fill(`[name="amount"]`, "7")
	p.press(`[name="amount"]`)
	p.shows("pending", "2")
	p.focused(`[name="amount"]`)

	t.Log("both are in the block that is mined")
	p.press("#mine button")
	p.shows("said", "New Block Forged: 2")
	p.blockIs(2, columnPayments, "2")
	p.blockIs(2, columnMiner, short(n.id()))
	p.blockIs(2, columnFrom, "this node")
	p.shows("pending", "0")
	p.focused("#mine button")
	p.picture("mined")

	t.Log("the answer to resolve is the whole chain, of which the page says the start")
	p.press("#resolve button")
	p.shows("said", "Our chain is authoritative")
	p.focused("#resolve button")
}

// TestConnect connects a second node, and shows its blocks as they come.
func TestConnect(t *testing.T) {
	n, other := startNode(t), startNode(t)
	p := openTab(t, n, wide, high)
	p.shows("live", "live")
	p.run(`window.loadedOnce = true`)
	p.fill(`[name="node"]`, other.multiaddr())
	p.press("#join button")
	p.shows("said", "New nodes have been added")
	p.focused("#join button")
	p.wait("the peer is shown", `document.getElementById("peers").textContent === "1"`)
	p.shows("others", short(other.id()))

	other.pay("alice", "bob")
	p.shows("payments", "alice")
	other.mine()
	p.blockIs(2, columnMiner, short(other.id()))
	p.blockIs(2, columnFrom, short(other.id()))
	if !eval[bool](p, `window.loadedOnce === true`) {
		t.Error("the page was loaded again")
	}
}

// TestMinerAndSender lets one node mine a block, and another one deliver it.
func TestMinerAndSender(t *testing.T) {
	miner := startNode(t)
	sender := startNode(t, "--peer", miner.multiaddr())
	miner.mine()
	sender.waitHeight(2)
	miner.Stop()
	n := startNode(t, "--peer", sender.multiaddr())
	p := openTab(t, n, wide, high)
	p.wait("the block is shown", fmt.Sprintf(`%s === "2"`, first("blocks", columnIndex)))
	if got := eval[string](p, first("blocks", columnMiner)); got == short(sender.id()) {
		t.Errorf("the one who delivered the block is shown as its miner: %s", got)
	}
	p.blockIs(2, columnFrom, short(sender.id()))
	sender.Stop()
	miner.Restart()
	p.blockIs(2, columnMiner, short(miner.id()))
}

// TestHostileNames shows what a payment may be called as text.
func TestHostileNames(t *testing.T) {
	n := startNode(t)
	names := []string{
		`<img src=/x onerror=alert(1)>`, `</td><script>alert(1)</script>`, `<b>x</b>`, "\u202egnp.exe", "🀄🀄🀄🀄🀄🀄🀄🀄🀄🀄🀄🀄🀄🀄🀄🀄🀄🀄", `"'&lt;`,
	}
	for _, name := range names {
		n.pay(name, name)
	}
	p := openTab(t, n, phoneWide, phoneHigh)
	p.wait("all are shown", fmt.Sprintf(`document.querySelectorAll("#payments tr").length === %d`, len(names)))
	titles := eval[[]string](p, `[...document.querySelectorAll("#payments td:first-child code")].map((c) => c.title)`)
	for _, name := range names {
		if !strings.Contains(strings.Join(titles, "\n"), name) {
			t.Errorf("%q is not shown in whole: %q", name, titles)
		}
	}
	if n := eval[int](p, `document.querySelectorAll("#payments :not(tr, td, code)").length`); n != 0 {
		t.Errorf("%d elements were made of names", n)
	}
	if text := eval[string](p, `document.getElementById("payments").textContent`); strings.Contains(text, "\ufffd") || !strings.Contains(text, strings.Repeat("🀄", 12)+"…") {
		t.Errorf("a letter was cut in two: %q", text)
	}
	p.picture("names")
}

// TestToken asks for the token once the node does.
func TestToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	const token = "0123456789abcdef0123456789abcdef"
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := openTab(t, startNode(t, "--api-token-file", file), wide, high)
	p.expectRefusals()
	p.shows("live", "live")
	p.press("#pay button")
	p.wait("the answer is a refusal", `document.getElementById("said").className === "bad"`)
	p.focused("#token")
	p.fill("#token", token)
	p.press("#pay button")
	p.shows("said", "Transaction will be added to Block 2")
}

// TestStopSearch ends a search that would take years.
func TestStopSearch(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hard.json")
	text := `{"name": "hard", "zeros": 14, "genesis": {"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 1.5, "transactions": []}}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := openTab(t, startNode(t, "--network", file, "--mine-cores", "1"), wide, high)
	p.press("#mine button")
	p.wait("the search can be stopped", `!document.getElementById("stop").hidden`)
	p.shows("search", "tries")
	p.press("#stop")
	p.shows("said", "Stopped")
	p.wait("the search has ended", `document.getElementById("searching").hidden && document.getElementById("stop").hidden`)
	p.focused("#mine button")
}

// TestManyTabs opens more tabs than a browser opens connections to a host.
func TestManyTabs(t *testing.T) {
	n := startNode(t)
	var tabs []*tab
	for range 8 {
		p := openTab(t, n, wide, high)
		p.shows("live", "live")
		p.blockIs(1, columnMiner, "")
		tabs = append(tabs, p)
	}
	n.mine()
	for _, p := range tabs {
		p.blockIs(2, columnMiner, short(n.id()))
	}
	t.Log("they go on when the first is closed")
	tabs[0].close()
	n.mine()
	for _, p := range tabs[1:] {
		p.blockIs(3, columnFrom, "this node")
	}
	t.Log("an action in one is seen in all")
	tabs[1].press("#pay button")
	for _, p := range tabs[1:] {
		p.shows("pending", "1")
	}
}

// TestWithoutSharedWorkers is a browser that has none: each tab has a stream of its own.
func TestWithoutSharedWorkers(t *testing.T) {
	n := startNode(t)
	script := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		const source = `delete window.SharedWorker`
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: source})
		return err
	})
	p := openTab(t, n, wide, high, script)
	if !eval[bool](p, `!("SharedWorker" in window)`) {
		t.Fatal("this browser has them still")
	}
	p.shows("live", "live")
	n.mine()
	p.blockIs(2, columnFrom, "this node")
}
