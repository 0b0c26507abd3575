package browser

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// Windows of a desktop and of a phone, in CSS pixels.
const (
	wide, high           = 1280, 900
	phoneWide, phoneHigh = 360, 780
)

// newest is a selector for the card of the newest block, after the ghost of the next one.
const newest = `#rail .slot[aria-posinset="2"] `

// tipIs waits until the newest block has the index, and a part of its card the text.
func (p *tab) tipIs(index int, part, text string) {
	p.t.Helper()
	p.wait(fmt.Sprintf("block %d is shown", index), fmt.Sprintf(`document.querySelector('%sb')?.textContent === "%d"`, newest, index))
	p.wait(fmt.Sprintf("%s of block %d is %q", part, index, text), fmt.Sprintf(`document.querySelector('%s%s').textContent === %q`, newest, part, text))
}

// pays waits until the first pending payment has the amount and recipient.
func (p *tab) pays(recipient, amount string) {
	p.t.Helper()
	p.wait("a payment to "+recipient, fmt.Sprintf(`((row) => row?.cells[1]?.textContent === %q && row.cells[2].textContent === %q)(document.querySelector("#payments tr"))`, recipient, amount))
}

// short is how the page shows a peer id.
func short(id string) string { return "12D3…" + id[len(id)-6:] }

// TestPayAndMine is what a user does first.
func TestPayAndMine(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	p := openTab(t, n, wide, high)
	p.shows("live", "Live")
	p.tipIs(1, ".miner", "First block")
	p.shows("self", short(n.id()))
	p.wait("the title", `document.title === "1 · kuai"`)
	p.shows("payments", "No payment is pending")

	t.Log("a payment is pending, in the table and in the ghost of the next block")
	p.fill(`#pay [name="recipient"]`, "王小明")
	p.fill(`#pay [name="amount"]`, "5.0")
	p.press("#pay button")
	p.says("pay", "Transaction will be added to Block 2")
	p.pays("王小明", "5.0")
	p.shows("pending", "1")
	p.wait("the ghost has it", `document.querySelector("#rail .ghost .pays").textContent === "1 payment"`)
	p.focused("#pay button")

	t.Log("sent from a field, the focus stays in the field")
	p.fill(`#pay [name="amount"]`, "7")
	p.press(`#pay [name="amount"]`)
	p.shows("pending", "2")
	p.focused(`#pay [name="amount"]`)

	t.Log("both are in the block that is mined")
	p.press("#mine-next button")
	p.says("mine-next", "Mined block 2")
	p.tipIs(2, ".pays", "2 payments")
	p.tipIs(2, ".miner", short(n.id()))
	p.wait("Tab goes through the strip as it looks", `[...document.querySelectorAll("#rail .slot")].map((e) => e.getAttribute("aria-posinset")).join() === "1,2,3"`)
	p.shows("pending", "0")
	p.focused("#mine-next button")

	t.Log("ten more, from the view of mining")
	p.route("#/mining")
	p.press("#mine-ten button")
	p.says("mine-ten", "Mined 10 blocks")
	p.route("#/chain")
	p.tipIs(12, ".pays", "No payments")
	p.shows("search-text", "tries")
}

// TestBlockFromAnotherNode connects a second node, and shows its blocks and payments on every tab as they come.
func TestBlockFromAnotherNode(t *testing.T) {
	t.Parallel()
	n, other := startNode(t), startNode(t)
	p, second := openTab(t, n, wide, high), openTab(t, n, phoneWide, phoneHigh)
	for _, tab := range []*tab{p, second} {
		tab.shows("live", "Live")
		tab.run(`window.loadedOnce = true`)
	}
	p.route("#/network")
	p.shows("others", "No peers. Start")
	p.fill(`[name="node"]`, other.multiaddr())
	p.press("#join button")
	p.says("join", "Registered")
	p.focused("#join button")
	p.shows("others", short(other.id()))
	p.wait("the map shows it", `document.querySelectorAll("#map .peer:not(.off)").length === 1`)
	p.wait("with the latency on its edge", `/^[0-9.]+ ms$/.test(document.querySelector("#map .latency")?.textContent)`)

	other.pay("alice", "bob")
	p.wait("the payment crosses the map", `window.crossed ||= document.querySelector("#map circle.payment") !== null || document.getElementById("pending").textContent === "1"`)
	second.pays("bob", "1")
	other.mine()
	p.wait("the map shows its height", `document.querySelector("#map .height").textContent === "2"`)
	p.route("#/chain")
	for _, tab := range []*tab{p, second} {
		tab.tipIs(2, ".miner", short(other.id()))
		if !eval[bool](tab, `window.loadedOnce === true`) {
			t.Error("the page was loaded again")
		}
	}

	t.Log("it is disconnected")
	p.route("#/network")
	p.press("#others button")
	p.wait("it is not connected", `document.querySelector("#others .on") === null`)
	p.shows("others-said", "disconnected")
	p.shows("peers", "0")
	t.Log("the answer to resolve is the whole chain, of which the page says the start")
	p.press("#resolve button")
	p.says("resolve", "Our chain is authoritative")
}

// TestMinerAndSender lets one node mine a block, and another one deliver it.
func TestMinerAndSender(t *testing.T) {
	t.Parallel()
	miner := startNode(t)
	sender := startNode(t, "--peer", miner.multiaddr())
	miner.mine()
	sender.waitHeight(2)
	id := miner.id()
	miner.Stop()
	n := startNode(t, "--peer", sender.multiaddr())
	n.waitHeight(2)
	p := openTab(t, n, wide, high)
	p.tipIs(2, ".miner", short(id))
	p.route("#/block/2")
	p.wait("the block is open", `document.querySelector("#detail .facts") !== null`)
	p.fact("Mined by", short(id))
	p.fact("Delivered by", short(sender.id()))
}

// TestOwnName shows the node by the name that its operator gave it.
func TestOwnName(t *testing.T) {
	t.Parallel()
	n := startNode(t, "--name", "lab-pc-7")
	p := openTab(t, n, wide, high)
	p.shows("self", "lab-pc-7")
	n.mine()
	p.tipIs(2, ".miner", "lab-pc-7")
}

// fact waits until a pair of the open block has the value.
func (p *tab) fact(label, value string) {
	p.t.Helper()
	p.wait(label+" is "+value, fmt.Sprintf(`[...document.querySelectorAll("#detail .facts > div")].some((d) => d.firstChild.textContent === %q && d.lastChild.textContent.includes(%q))`, label, value))
}

// TestHostileNames shows whatever a payment may be called as text.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	names := []string{
		`<img src=/x onerror=alert(1)>`, `</script><script>alert(1)</script>`, `<b>x</b>`, "\u202egnp.exe", "🀄🀄🀄🀄🀄🀄🀄🀄🀄🀄🀄🀄🀄🀄🀄🀄🀄🀄", `"'&lt;`,
		"../../node", strings.Repeat("w", 256), "مرحبا بالعالم", "{{.State}}", "a\nb", " alice ", "小明❤️👩🏽‍💻",
	}
	seen := map[string]string{"\u202egnp.exe": `\u202egnp.exe`, "a\nb": `a\u000ab`, " alice ": "␠alice␠"}
	for _, name := range names {
		n.pay(name, name)
	}
	p := openTab(t, n, phoneWide, phoneHigh)
	p.shows("live", "Live")
	p.wait("all are shown", fmt.Sprintf(`document.querySelectorAll("#payments a[href^='#/payment/']").length === %d`, len(names)))
	titles := eval[[]string](p, `[...document.querySelectorAll("#payments td:first-child bdi")].map((c) => c.title)`)
	for i, name := range names {
		if titles[i] != name {
			t.Errorf("%q is shown as %q", name, titles[i])
		}
	}
	if n := eval[int](p, `document.querySelectorAll("#payments :not(tr, td, a, bdi, code)").length`); n != 0 {
		t.Errorf("%d elements were made of names", n)
	}
	if text := eval[string](p, `document.getElementById("payments").textContent`); strings.Contains(text, "\ufffd") || !strings.Contains(text, strings.Repeat("🀄", 6)+"…"+strings.Repeat("🀄", 5)) {
		t.Errorf("a letter was cut in two: %q", text)
	}
	for name, look := range seen {
		if !eval[bool](p, fmt.Sprintf(`[...document.querySelectorAll("#payments bdi")].some((b) => b.title === %q && b.textContent === %q)`, name, look)) {
			t.Errorf("%q is not shown as %q", name, look)
		}
	}
	n.mine()
	p.tipIs(2, ".pays", fmt.Sprintf("%d payments", len(names)))
	t.Log("a name is cut once to the width of a block")
	for _, name := range append(names, strings.Repeat("W", 40), strings.Repeat("i", 40)) {
		p.run(fmt.Sprintf(`import("/web/dom.js").then((d) => { document.querySelector(%q).textContent = d.fit(%q); })`, newest+".miner", name))
		p.wait(name+" fits", fmt.Sprintf(`((m) => m.textContent !== "" && m.scrollWidth <= m.clientWidth && m.textContent.split("…").length <= 2)(document.querySelector(%q))`, newest+".miner"))
	}
	t.Log("names leave room for amounts and ids")
	for _, width := range []int64{phoneWide, wide} {
		p.do(chromedp.EmulateViewport(width, high))
		p.route("#/chain")
		p.route("#/block/2")
		p.wait("all cells are in sight", fmt.Sprintf(`document.querySelectorAll("#detail tbody tr").length === %d && [...document.querySelectorAll("#detail td > *")].every((c) =>
			c.getBoundingClientRect().right <= c.closest(".panel").getBoundingClientRect().right)`, len(names)+1))
		p.wait("more can be shown", `document.querySelector(".bytes + button")?.hidden === false`)
		p.press(".bytes + button")
		p.wait("all is shown", `((e) => e.scrollHeight <= e.clientHeight && document.querySelector(".bytes + button") === null)(document.querySelector("#detail .bytes"))`)
		p.run(`document.querySelector("#detail table").scrollIntoView()`)
		p.picture(fmt.Sprintf("names-%d", width))
	}
	p.do(chromedp.EmulateViewport(phoneWide, phoneHigh))
	t.Log("each has an address of its own, by its link")
	for i, name := range names {
		p.route("#/block/2")
		p.wait("the block is open", fmt.Sprintf(`document.querySelectorAll("#detail tbody tr").length === %d`, len(names)+1))
		p.run(fmt.Sprintf(`document.querySelector("#detail tbody tr:nth-child(%d) a").click()`, i+1))
		p.wait(name+" is open", fmt.Sprintf(`document.querySelector("#detail h1 bdi")?.textContent === %q`, cmp.Or(seen[name], name)))
		p.wait("its history is there", `document.querySelectorAll("#detail tbody tr").length === 1 && document.querySelector("#detail .amount").textContent === "0"`)
		if w := eval[int](p, `document.documentElement.scrollWidth`); w > phoneWide {
			t.Errorf("%q makes the page %d pixels wide", name, w)
		}
	}
}

// TestToken asks for the token once the node does; what was to be sent is sent when it is pressed again.
func TestToken(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	const token = "0123456789abcdef0123456789abcdef"
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := openTab(t, startNode(t, "--api-token-file", file), wide, high)
	p.expectRefusals()
	p.shows("live", "Live")
	p.press("#pay button")
	p.wait("the answer is a refusal", `document.querySelector("#pay .answer").className === "answer bad"`)
	p.focused("#token")
	p.fill("#token", token)
	p.press("#access button")
	p.says("pay", "again")
	p.press("#pay button")
	p.says("pay", "Transaction will be added to Block 2")
	p.focused("#pay button")
	p.wait("the commands send it, too", `document.querySelector("#pay + .curl code").textContent.includes("Authorization: Bearer $KUAI_TOKEN")`)
}

// TestStopSearch ends a search that would take years.
func TestStopSearch(t *testing.T) {
	t.Parallel()
	p := openTab(t, startNode(t, "--network", networkFile(t, "hard", 14), "--mine-cores", "1"), wide, high)
	p.route("#/mining")
	p.press("#mine button")
	p.wait("the search can be stopped", `!document.getElementById("stop").hidden && document.getElementById("stop").textContent === "Stop"`)
	p.wait("its tries are told", `/^[1-9][0-9,]* tries so far/.test(document.getElementById("search-text").textContent)`)
	p.press("#stop")
	p.says("mine", "Stopped")
	p.wait("the search has ended", `document.getElementById("stop").hidden`)
	p.focused("#mine button")
}

// networkFile writes the rules of a network whose proofs have so many zeros.
func networkFile(t testing.TB, name string, zeros int) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name+".json")
	text := fmt.Sprintf(`{"name": %q, "zeros": %d, "genesis": {"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 1.5, "transactions": []}}`, name, zeros)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
