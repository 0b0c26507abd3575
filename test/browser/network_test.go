package browser

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPeersOfPeers draws what peers say of theirs: who else is connected with whom, and a node that only they know; the table says the same.
func TestPeersOfPeers(t *testing.T) {
	t.Parallel()
	far := startNode(t)
	n := startNode(t, "--lab")
	var switches struct{ Cut []string }
	n.ask("PUT", "/lab/switches", fmt.Sprintf(`{"cut": [%q]}`, far.id()), &switches) // or it would be dialled as soon as it is heard of
	one := startNode(t, "--peer", n.multiaddr(), "--peer", far.multiaddr(), "--name", "lab-pc-1")
	startNode(t, "--peer", n.multiaddr(), "--peer", one.multiaddr(), "--name", "lab-pc-2")
	p := openTab(t, n, wide, high)
	p.shows("live", "Live")
	p.shows("peers", "2")
	p.route("#/network")
	p.wait("the far node is drawn outside", fmt.Sprintf(`document.querySelector("#map .stranger title")?.textContent === %q`, far.id()))
	p.wait("with the connections of which the peers tell", `document.querySelectorAll("#map .theirs path").length >= 2`)
	p.shows("map-caption", "only they know")
	p.shows("others", "known to peers only")
	p.wait("the table says by whom", fmt.Sprintf(`[...document.querySelectorAll("#others tr")].some((r) => r.textContent.includes(%q) && r.querySelector(".names").textContent.includes("lab-pc-1"))`, short(far.id())))
	p.wait("and with whom a peer is connected", `[...document.querySelectorAll("#others tr")].some((r) => r.cells[0].textContent === "lab-pc-1" && r.querySelector(".names")?.textContent.includes("lab-pc-2"))`)
	p.picture("wide")
	p.do(chromedp.EmulateViewport(phoneWide, phoneHigh))
	p.wait("a phone is wide enough", `document.documentElement.scrollWidth <= innerWidth`)
	p.wait("a cell says what it is", `getComputedStyle([...document.querySelectorAll("#others td")].find((c) => c.querySelector(".names")), "::before").content.includes("Connected with")`)
	if os.Getenv("AXE_CORE") != "" {
		p.run(needAxe(t))
		p.axe("peers of peers")
	}
	p.press("#language")
	p.picture("phone")
	p.shows("others", "只有其他节点认识")
}

// within is a function that reports whether elements lie within another one.
const within = `((inner, outer) => inner.every((e) => ((a, b) => a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1)(e.getBoundingClientRect(), outer.getBoundingClientRect())))`

// TestMapShowsLatencies: each ring has its time, each edge its latency, and no text leaves the drawing, whatever the names and the width.
func TestMapShowsLatencies(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	for _, name := range []string{"a-very-long-name-of-a-computer", "二零四教室的第十七台电脑", "c"} {
		startNode(t, "--peer", n.multiaddr(), "--name", name)
	}
	p := openTab(t, n, wide, high)
	p.shows("peers", "3")
	p.route("#/network")
	for _, width := range []int64{phoneWide, wide, 1920} {
		p.do(chromedp.EmulateViewport(width, high))
		p.wait("the map is drawn anew at once", `Math.abs(document.querySelector("#map svg")?.viewBox.baseVal.width - Math.max(280, Math.min(760, document.getElementById("map").clientWidth * 16 / parseFloat(getComputedStyle(document.documentElement).fontSize)))) < 1`)
		p.wait("the scale and the latencies are drawn", `document.querySelectorAll("#map .scale").length >= 2 && document.querySelectorAll("#map .latency").length === 3`)
		p.wait("all is inside the drawing", within+`([...document.querySelectorAll("#map text")], document.querySelector("#map svg"))`)
		p.wait("no text covers the scale", `((texts) => [...document.querySelectorAll("#map .scale:not(.covered)")].every((s) => texts.every((t) => ((a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top)(s.getBoundingClientRect(), t.getBoundingClientRect()))))([...document.querySelectorAll("#map text:not(.scale)")])`)
		p.picture(fmt.Sprint("map-", width))
		p.run(`import("/web/map.js").then((m) => (window.crowd = () => m.drawMap(document.getElementById("map"), "self", Array.from({ length: 24 }, (_, i) => ({ id: "room-204-desk-" + i, connected: true, height: 7, latency_ms: 1 + (i % 7) }))) || true))`) // drawn at each look: an event draws the real peers
		p.wait("so is all of a crowd", `window.crowd?.() && document.querySelectorAll("#map .peer").length === 24 && `+within+`([...document.querySelectorAll("#map text")], document.querySelector("#map svg"))`)
		p.wait("whose names do not cover each other", `window.crowd() && ((boxes) => boxes.every((a, i) => boxes.every((b, j) => i === j || a.right <= b.left || b.right <= a.left || a.top + 3 >= b.bottom - 3 || b.top + 3 >= a.bottom - 3)))([...document.querySelectorAll("#map .crowd text")].map((t) => t.getBoundingClientRect()))`)
		p.picture(fmt.Sprint("crowd-", width))
		for _, count := range []int{4, 6, 8, 10} {
			p.run(fmt.Sprintf(`import("/web/map.js").then((m) => (window.some = () => m.drawMap(document.getElementById("map"), "self", Array.from({ length: %d }, (_, i) => ({ id: ["a-very-long-name-of-a-computer-", "二零四教室的电脑", "lab-pc-"][i %% 3] + i, connected: i %% 4 < 3, height: 7, latency_ms: i %% 4 < 3 ? 0.5 + i : null }))) || true)) && true`, count))
			p.wait("a few have room", fmt.Sprintf(`window.some?.() && document.querySelectorAll("#map .peer").length === %d && `, count)+within+`([...document.querySelectorAll("#map text")], document.querySelector("#map svg"))`)
			p.wait("most have names, and no text touches another", fmt.Sprintf(`window.some() && document.querySelectorAll("#map .peer text:not(.height)").length >= %d && ((boxes) => boxes.every((a, i) => boxes.every((b, j) => i === j || a.right <= b.left || b.right <= a.left || a.top + 3 >= b.bottom - 3 || b.top + 3 >= a.bottom - 3)))([...document.querySelectorAll("#map text:not(.covered)")].map((t) => t.getBoundingClientRect()))`, count-count/4))
			p.picture(fmt.Sprint("some-", count, "-", width))
		}
	}
}

// TestFocusStaysAfterDisconnect goes to the next node's button, and to what is said when there is no other. The answer has the node's name, and
// each button its command.
func TestFocusStaysAfterDisconnect(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	one, two := startNode(t, "--name", "lab-pc-1"), startNode(t, "--name", "lab-pc-2")
	n.register(one)
	n.register(two)
	p := openTab(t, n, wide, high)
	p.route("#/network")
	button := func(m *node, act string) string {
		return fmt.Sprintf(`#others [data-peer=%q][data-act=%q]`, m.id(), act)
	}
	for _, m := range []*node{one, two} {
		p.wait("it is connected", fmt.Sprintf(`document.querySelector(%q)?.textContent === "Disconnect"`, button(m, "leave")))
	}
	p.press(button(one, "curl"))
	p.wait("its command is shown", fmt.Sprintf(`document.querySelector("#others-curl > :last-child code").textContent === "curl -X DELETE %s/peers/%s"`, n.url(), one.id()))
	p.wait("its summary names it", fmt.Sprintf(`document.querySelector("#others-curl > :last-child summary").textContent.startsWith("curl DELETE /peers/%s")`, short(one.id())))
	p.press(button(one, "leave"))
	p.shows("others-said", "lab-pc-1: disconnected")
	p.focused(button(two, "leave"))
	p.press(button(two, "leave"))
	p.shows("others-said", "lab-pc-2: disconnected")
	p.wait("the focus is not lost", `["others-said", "others-title"].includes(document.activeElement.id)`)
}

// TestOwnAddressIsNoPeer: who registers the node with itself is told so.
func TestOwnAddressIsNoPeer(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	p := openTab(t, n, wide, high)
	p.shows("live", "Live")
	p.route("#/network")
	for _, address := range []string{fmt.Sprintf("127.0.0.1:%d", n.port), n.url() + "/", fmt.Sprintf("LocalHost:%d", n.port), n.multiaddr()} {
		p.run(`document.querySelector('#join [name="node"]').value = ""`)
		p.press("#join button")
		p.says("join", "Fill in: Address of the other node.")
		p.fill(`#join [name="node"]`, address)
		p.press("#join button")
		p.says("join", "That is this node itself")
	}
	other := startNode(t)
	p.fill(`#join [name="node"]`, fmt.Sprintf("http://127.0.0.1:%d", other.port))
	p.press("#join button")
	p.says("join", "Registered")
	p.fill(`#join [name="node"]`, other.multiaddr())
	p.press("#join button")
	p.says("join", "Registered")
}

// TestConnectIsFollowed: the answer of the form follows the node until it is connected, in the language of the page.
func TestConnectIsFollowed(t *testing.T) {
	t.Parallel()
	n, late, foreign := startNode(t), newNode(t), startNode(t, "--network", "dev")
	p := openTab(t, n, wide, high)
	p.shows("live", "Live")
	p.route("#/network")
	connect := func(address string) {
		p.fill(`#join [name="node"]`, address)
		p.press("#join button")
	}
	connect(foreign.multiaddr())
	p.says("join", "Registered, but not connected: other network.")
	connect(late.url())
	p.says("join", "Registered, but not connected: unreachable: connection refused. This node goes on trying.")
	p.press("#language")
	p.says("join", "已登记，但没有连上：无法连接：连接被拒绝。本节点会不断重试。")
	p.shows("others", "秒后重试：连接被拒绝")
	p.wait("all that is said of peers is Chinese", `[...document.querySelectorAll("#others .state")].every((e) => !/[a-z]{3}/.test(e.textContent))`)
	late.Start("--name", "lab-pc-1")
	p.says("join", "已登记，并已连接 lab-pc-1。")
	p.press("#language")
	connect("127.0.0.1:1")
	p.says("join", "unreachable")
	p.press(`#others [data-peer="http://127.0.0.1:1"][data-act="leave"]`)
	p.wait("nothing is said of a node that is forgotten", `document.querySelector("#join .answer").textContent === ""`)
}

// TestPhone: on the smallest one the history of an address and the options of commands are read without scrolling sideways.
func TestPhone(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	n.pay("a-very-long-name-of-a-payer", "二零四教室的第十七台电脑")
	n.mine()
	p := openTab(t, n, phoneWide, phoneHigh)
	p.route("#/address/" + n.id())
	p.wait("the history is not wider than its frame", `(e => e && e.scrollWidth <= e.clientWidth)(document.querySelector("#detail .wide"))`)
	p.wait("each cell says what it is", `[...document.querySelectorAll("#detail td")].every((c) => getComputedStyle(c, "::before").content !== "none") && document.querySelectorAll("#detail td").length === 6`)
	p.route("#/chain")
	p.run(`document.getElementById("access").hidden = false`)
	for width := int64(320); width <= 420; width += 10 {
		p.do(chromedp.EmulateViewport(width, phoneHigh))
		p.wait("an option is on one line", `[...document.querySelectorAll("#access-why .option")].every((e) => e.getClientRects().length === 1) && document.querySelector("#access-why .option").textContent === "--api-token-file"`)
	}
	p.press("#size")
	for width := int64(320); width <= 420; width += 20 {
		p.do(chromedp.EmulateViewport(width, phoneHigh))
		p.wait("large type fits", `document.documentElement.dataset.size === "large" && document.documentElement.scrollWidth <= innerWidth`)
		p.wait("so does the bar", within+`([...document.querySelectorAll(".bar nav a")], document.querySelector(".bar nav"))`)
	}
}

// TestURLsKeepTheirPorts: two nodes on one host are told apart in the table.
func TestURLsKeepTheirPorts(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	p := openTab(t, n, phoneWide, phoneHigh)
	p.shows("live", "Live")
	p.route("#/network")
	const url = "http://computer-room-3.school.test:50017"
	p.fill(`#join [name="node"]`, url)
	p.press("#join button")
	p.says("join", "Registered")
	p.wait("its whole name is shown", fmt.Sprintf(`[...document.querySelectorAll("#others .place")].some((e) => e.innerText.includes(%q))`, strings.TrimPrefix(url, "http://")))
	p.wait("a phone is wide enough", `document.documentElement.scrollWidth <= innerWidth`)
}

// TestSearchFindsNodes by name and by peer id: this node, a peer and a node that only a peer knows.
func TestSearchFindsNodes(t *testing.T) {
	t.Parallel()
	n := startNode(t, "--name", "teacher")
	other := startNode(t, "--peer", n.multiaddr(), "--name", "lab-pc-1")
	p := openTab(t, n, wide, high)
	p.shows("peers", "1")
	p.press("#search button")
	p.says("search", "Type an index, a hash")
	for query, want := range map[string]struct{ id, says string }{
		"lab-pc-1": {other.id(), "lab-pc-1 is marked below"}, "LAB-pc-1 ": {other.id(), "lab-pc-1 is marked"}, other.id(): {other.id(), "lab-pc-1 is marked"},
		"teacher": {n.id(), "teacher is this node"}, n.id(): {n.id(), "teacher is this node"},
	} {
		p.route("#/chain")
		p.fill("#query", query)
		p.press("#query")
		p.isEmpty("search-said")
		p.wait("the network is shown", fmt.Sprintf(`location.hash === "#/network/%s"`, want.id))
		p.shows("found", want.says)
		if want.id == other.id() {
			p.wait("its row is marked", `document.querySelector("#others .found")?.textContent.includes("lab-pc-1")`)
		}
	}
	p.route("#/network/" + n.id())
	p.shows("found", "teacher is this node")
	p.wait("its address is a link", fmt.Sprintf(`document.querySelector('#found a').hash === "#/address/%s"`, n.id()))
	p.run(`document.querySelector("#found a").click()`)
	p.wait("the address leads back", fmt.Sprintf(`document.querySelector('#detail a[href="#/network/%s"]') !== null && document.querySelector("#detail h1").textContent.includes("teacher")`, n.id()))
}
