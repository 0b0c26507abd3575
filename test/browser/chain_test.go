package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestBlockOpens looks at all that a block shows, and at the ways to it and back.
func TestBlockOpens(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	n.pay("爱丽丝 \"A\" \\, : é", "bob")
	n.mineBlocks(3)
	p := openTab(t, n, wide, high)
	p.tipIs(4, ".pays", "No payments")
	p.run(`document.querySelector('#rail .slot[aria-posinset="4"] a').click()`)
	p.wait("block 2 is open", `document.querySelector("#detail h1")?.textContent === "Block 2"`)
	p.wait("it has confirmations", `document.querySelector("#detail .badge").textContent === "3 confirmations"`)
	p.wait("this browser gets its hash", `document.querySelector("#detail .checked strong.good") !== null`)
	p.wait("its proof is explained", `document.querySelector("#detail .proof mark.enough").textContent.startsWith("0000")`)
	p.fact("Delivered by", "this node")
	p.wait("its card is marked", `document.querySelector('.card[aria-current="true"] b').textContent === "2"`)
	child := eval[string](p, `[...document.querySelectorAll("#detail dd a")].at(1).title`)

	t.Log("to its child, and back by the browser's button")
	p.run(`[...document.querySelectorAll("#detail dd a")].at(1).click()`)
	p.wait("block 3 is open", `document.querySelector("#detail h1")?.textContent === "Block 3"`)
	p.fact("Hash", child)
	p.do(chromedp.NavigateBack())
	p.wait("block 2 is open again", `document.querySelector("#detail h1")?.textContent === "Block 2"`)

	t.Log("it gets confirmations while it is open")
	n.mine()
	p.wait("it has one more", `document.querySelector("#detail .badge").textContent === "4 confirmations"`)

	t.Log("search finds a block by index and hash, an address, a payment, and says what is not there")
	p.expectRefusals()
	for query, title := range map[string]string{"3": "Block 3", child: "Block 3", strings.ToUpper(child): "Block 3", child[:8]: "Block 3", " b  ob ": "Address␠b␠␠ob␠", "bob": "Addressbob", "99": "Address99", "00112233445566778899aabbccddeeff": "Nothing found"} {
		p.fill("#query", query)
		p.press("#query")
		p.wait(query+" is found", fmt.Sprintf(`document.querySelector("#detail h1")?.textContent === %q`, title))
	}

	t.Log("a balance has the sign of the history")
	p.run(fmt.Sprintf(`location.hash = "#/address/" + encodeURIComponent(%q)`, "爱丽丝 \"A\" \\, : é"))
	p.wait("the balance", `document.querySelector("#detail .balance .amount")?.textContent === "−1" && document.querySelector("#detail td.number").textContent === "−1"`)

	t.Log("a deep link opens the same")
	p.do(chromedp.Navigate(n.url() + "/?fresh#/block/" + child))
	p.wait("block 3 is open", `document.querySelector("#detail h1")?.textContent === "Block 3"`)
	p.run(`document.querySelector("#detail .neighbours a:last-child").click()`)
	p.wait("the chain is shown", `!document.getElementById("home").hidden && document.getElementById("detail").hidden`)
}

// TestPaymentsWay follows a payment: pending, mined, confirmed, and returned by a reorg.
func TestPaymentsWay(t *testing.T) {
	t.Parallel()
	n, other := startNode(t), startNode(t)
	n.pay("alice", "bob")
	p := openTab(t, n, wide, high)
	p.pays("bob", "1")
	p.run(`document.querySelector("#payments a[href^='#/payment/']").click()`)
	p.wait("it is pending", `document.querySelector("#detail .now")?.textContent === "Pending"`)
	n.mine()
	p.wait("it is mined", `[...document.querySelectorAll("#detail .done")].some((e) => e.textContent === "In block 2")`)
	p.wait("it has one confirmation", `document.querySelector("#detail [role=status]").textContent.includes("with 1 confirmation.")`)
	n.mine()
	p.wait("it has two confirmations", `document.querySelector("#detail [role=status]").textContent.includes("with 2 confirmations")`)
	other.mineBlocks(3)
	n.register(other)
	p.wait("it was returned", `document.querySelector("#detail .back")?.textContent === "Returned by a reorg"`)
	p.shows("news-text", "1 payment is pending again")
}

// TestUnpaid: a block of another node takes the money that a pending payment needs, without a reorg, and the page says so wherever the
// reader is.
func TestUnpaid(t *testing.T) {
	t.Parallel()
	n, other := startNode(t, "--network", "dev"), startNode(t, "--network", "dev")
	pay := func(n *node, recipient string, amount int) {
		t.Helper()
		var answer struct{ Message string }
		n.ask("POST", "/transactions/new", fmt.Sprintf(`{"sender": "alice", "recipient": %q, "amount": %d}`, recipient, amount), &answer)
	}
	pay(n, "bob", 600)
	pay(other, "carol", 700)
	other.mine()
	p, second := openTab(t, n, wide, high), openTab(t, n, phoneWide, phoneHigh)
	second.expectRefusals() // the node knows the payment no more
	for _, q := range []*tab{p, second} {
		q.shows("live", "Live")
		q.wait("the payment is pending", `document.querySelectorAll("#payments a[href^='#/payment/']").length === 1`)
	}
	p.wait("the first block gives", `/^Funds [0-9]+ accounts$/.test(document.querySelector("#rail .last .pays").textContent)`)
	second.run(`document.querySelector("#payments a[href^='#/payment/']").click()`)
	second.wait("it waits", `document.querySelector("#detail .now")?.textContent === "Pending"`)
	p.route("#/mining")
	n.register(other)
	p.shows("news-text", "has too little since block 2.")
	p.wait("the link leads to the payments", `document.getElementById("news-link").hash === "#/chain"`)
	second.shows("news-text", "can no longer be paid")
	second.wait("the payment's way ends", `document.querySelector("#detail .back")?.textContent === "Can no longer be paid"`)
	second.wait("and why", `document.querySelector("#detail [role=status]").textContent.includes("of 600 from")`)
	second.wait("its title", `document.querySelector("#detail h1").textContent === "Payment that can no longer be paid"`)
	second.picture("way")
	second.do(chromedp.Reload())
	second.wait("all is there after a reload", `document.querySelector("#detail h1")?.textContent === "Payment that can no longer be paid" && document.querySelector("#detail .back") !== null &&
		document.querySelector("#detail .amount").textContent === "600" && document.querySelector("#detail [role=status]").textContent.includes("of 600 from")`)
	p.press("#news-close")
	p.route("#/chain")
	p.shows("unpaid", "has too little")
	p.do(chromedp.Reload())
	p.shows("unpaid", "has too little")
	p.press("#language")
	p.shows("unpaid", "余额不足")
	if w := eval[int](second, `document.documentElement.scrollWidth`); w > phoneWide {
		t.Errorf("the page is %d pixels wide", w)
	}
	p.run(`document.getElementById("unpaid").scrollIntoView()`)
	p.picture("unpaid")
}

// TestExpiredPayment: a payment that nobody mines for a day leaves without a block, and the page says so, until it is sent again.
func TestExpiredPayment(t *testing.T) {
	t.Parallel()
	n := startNode(t, "--lab")
	const payment = `{"sender": "alice", "recipient": "bob", "amount": 7, "id": "00112233445566778899aabbccddeeff"}`
	var answer, switches struct{}
	n.ask("POST", "/transactions/new", payment, &answer)
	p, second := openTab(t, n, wide, high), openTab(t, n, phoneWide, phoneHigh)
	p.pays("bob", "7")
	second.expectRefusals()
	second.run(`document.querySelector("#payments a[href^='#/payment/']").click()`)
	second.wait("it waits", `document.querySelector("#detail .now")?.textContent === "Pending"`)
	n.ask("PUT", "/lab/switches", `{"clock_skew_s": 86400}`, &switches)
	p.shows("news-text", "Payment 00112233 of 7 from \u2068alice\u2069 to \u2068bob\u2069 was dropped: no block took it within a day. It can be sent again.")
	p.shows("pending", "0")
	p.shows("unpaid", "within a day")
	second.wait("the payment's way ends", `document.querySelector("#detail .back")?.textContent === "Dropped" && document.querySelector("#detail h1").textContent === "Payment that was dropped"`)
	p.press("#language")
	p.shows("unpaid", "一天内没有区块收录它")
	n.ask("POST", "/transactions/new", payment, &answer)
	p.isEmpty("unpaid")
	second.wait("it waits again", `document.querySelector("#detail .now")?.textContent === "Pending"`)
}

// TestForkAndReorg draws a fork and tells a reorg, and plays it again.
func TestForkAndReorg(t *testing.T) {
	t.Parallel()
	n, other := startNode(t), startNode(t)
	p := openTab(t, n, wide, high)
	p.shows("live", "Live")
	p.route("#/forks")
	p.shows("tree-story", "No forks")
	n.pay("alice", "bob")
	n.pay("bob", "carol")
	n.mineBlocks(2)
	other.mineBlocks(3)
	p.wait("our branch is drawn", `document.querySelectorAll("#tree .node.active").length === 3`)
	n.register(other)
	p.wait("the other branch is active, ours is at its side",
		`document.querySelectorAll("#tree .node.active").length === 4 && document.querySelectorAll("#tree .node.side").length === 2`)
	p.wait("the reorg is told", `document.querySelector("#reorgs p")?.textContent.includes("2 blocks left the chain, and 2 payments are pending again")`)
	p.shows("reorgs", "mined by "+short(other.id()))
	p.shows("reorgs", "This node saw the old branch first.")
	p.wait("the tip is marked", `document.querySelector("#tree .tip").textContent === "Tip"`)
	p.shows("branches", "3 · ")
	p.shows("tree-story", "1 side branch")

	t.Log("it is played again: our branch is active at first, and at the side in the end")
	p.press("#reorgs button")
	p.wait("it plays", `document.getElementById("tree").dataset.playing === "true" && document.getElementById("tree-story").textContent.includes("of the old branch")`)
	p.wait("it ends as it ended", `document.getElementById("tree-story").textContent.includes("left the chain")`)
	p.wait("then it is live again", `document.getElementById("tree").dataset.playing === undefined && document.querySelectorAll("#tree .node.side").length === 2`)

	t.Log("the story is still there after a reload, and a block of the side branch opens")
	p.do(chromedp.Reload())
	p.shows("reorgs", "2 blocks left the chain")
	p.wait("the side branch is drawn", `document.querySelectorAll("#tree .node.side").length === 2`)
	p.run(`document.querySelector("#tree .node.side").dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }))`)
	p.wait("it is a block of a side branch", `document.querySelector("#detail .badge.side") !== null`)
}

// TestBranchThatLost: the side that wins hears of the other one's branch, whose blocks it does not get.
func TestBranchThatLost(t *testing.T) {
	t.Parallel()
	n, other := startNode(t), startNode(t)
	n.mineBlocks(3)
	other.mineBlocks(2)
	p := openTab(t, n, wide, high)
	p.shows("live", "Live")
	n.register(other)
	other.waitHeight(4)
	story := "A branch of 2 blocks after block 1, up to block 3, lost: " + short(other.id()) + " had it"
	p.shows("news-text", story)
	p.route("#/forks")
	p.shows("reorgs", story)
	p.do(chromedp.Reload())
	p.shows("reorgs", story)
	second := openTab(t, n, phoneWide, phoneHigh)
	second.route("#/forks")
	second.shows("live", "Live")
	second.wait("it is told once", `document.querySelectorAll("#reorgs li").length === 1 && document.querySelector("#reorgs p").textContent.includes("lost")`)
}

// TestForksOnAPhone: the tip is in sight, and a button shows that there is more, and goes there.
func TestForksOnAPhone(t *testing.T) {
	t.Parallel()
	n := startNode(t, "--network", networkFile(t, "easy", 0))
	n.mineBlocks(20)
	p := openTab(t, n, phoneWide, phoneHigh)
	p.still()
	p.shows("live", "Live")
	p.route("#/forks")
	inSight := func(index int) string {
		return fmt.Sprintf(`((box) => [...document.querySelectorAll("#tree .node")].some((n) => n.querySelector(".index").textContent === "%d" &&
			n.getBoundingClientRect().left >= box.left && n.getBoundingClientRect().right <= box.right))(document.getElementById("tree").getBoundingClientRect())`, index)
	}
	p.wait("the tip is in sight", inSight(21))
	p.wait("it is marked", `document.querySelector("#tree .tip").textContent === "Tip"`)
	p.wait("there is more to the left alone", `!document.getElementById("tree-older").hidden && document.getElementById("tree-newer").hidden`)
	p.picture("newest")
	for range 9 {
		if eval[bool](p, `document.getElementById("tree-older").hidden`) {
			break
		}
		p.run(`window.before = document.getElementById("tree").scrollLeft`)
		p.press("#tree-older")
		p.wait("it goes left, and the button knows", `((at) => at < window.before && at < 2 === document.getElementById("tree-older").hidden)(document.getElementById("tree").scrollLeft)`)
	}
	p.wait("the oldest that is drawn is in sight", inSight(10))
	p.wait("there is more to the right alone", `document.getElementById("tree-older").hidden && !document.getElementById("tree-newer").hidden`)
	p.focused("#tree")
	n.mine()
	p.shows("tree", "22")
	p.wait("what is looked at stays", inSight(11))
}

// TestManyBlocks has far more blocks come than a page could show one by one.
func TestManyBlocks(t *testing.T) {
	t.Parallel()
	n := startNode(t, "--network", networkFile(t, "easy", 0))
	p := openTab(t, n, wide, high)
	p.shows("live", "Live")
	p.run(`{
		window.asked = 0;
		const real = window.fetch;
		window.fetch = (path, options) => { window.asked++; return real(path, options); };
	}`)
	n.mineBlocks(1000)
	p.wait("all are counted", `document.querySelector('`+newest+`b').textContent === "1,001"`)
	if asked := eval[int](p, `window.asked`); asked > 200 {
		t.Errorf("1000 blocks made the page ask %d times", asked)
	}
	cards := `document.querySelectorAll("#rail .slot").length`
	if count := eval[int](p, cards); count > 30 {
		t.Errorf("%d cards", count)
	}
	t.Log("far back in the strip, blocks are there when they come into sight")
	p.run(`document.getElementById("strip").scrollLeft = 500 * 11.5 * 16`)
	p.wait("block 500 is shown", `[...document.querySelectorAll("#rail .card b")].some((b) => b.textContent === "500") &&
		[...document.querySelectorAll("#rail .card .miner")].every((m) => m.textContent !== "")`)
	if count := eval[int](p, cards); count > 30 {
		t.Errorf("%d cards", count)
	}
	n.mine()
	p.wait("what is in sight stays there", `document.getElementById("height").textContent === "1,002" &&
		Math.abs(document.getElementById("strip").scrollLeft - 501 * 11.5 * 16) < 2`)
}

// TestLongChain has the page believe in a chain of 100,000 blocks: browsers end elements at some 17 million
// pixels, and the strip ends before.
func TestLongChain(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	p := openTab(t, n, wide, high, without(`{
		const real = window.fetch, height = 100000;
		const hash = (i) => String(i).padStart(64, "a");
		const block = (i) => ({ block: { index: i, previous_hash: hash(i - 1), proof: i, timestamp: 1.5, transactions: [] }, branch: "active",
			confirmations: height - i + 1, from: "", hash: hash(i), received: null });
		const answer = (v) => Promise.resolve(new Response(JSON.stringify(v)));
		window.fetch = async (path, options) => {
			const url = new URL(path, location.href), name = url.pathname.split("/blocks/")[1];
			if (url.pathname === "/node") return answer({ ...await (await real(path, options)).json(), height, tip: hash(height) });
			if (url.pathname === "/blocks") {
				const from = Number(url.searchParams.get("from")), limit = Number(url.searchParams.get("limit"));
				return answer({ blocks: Array.from({ length: Math.min(limit, height - from + 1) }, (_, i) => block(from + i)), from, length: height });
			}
			if (name) return answer(block(Number(name.replace(/^a*/, ""))));
			return real(path, options);
		};
	}`))
	p.shows("live", "Live")
	p.shows("height", "100,000")
	seen := func(index string) string {
		return fmt.Sprintf(`((strip) => [...document.querySelectorAll("#rail .card")].some((c) => c.querySelector("b").textContent === %q && c.querySelector("code").textContent !== "…" &&
			c.getBoundingClientRect().left >= strip.left && c.getBoundingClientRect().right <= strip.right))(document.getElementById("strip").getBoundingClientRect())`, index)
	}
	p.wait("the tip is in sight", seen("100,000"))
	for _, index := range []string{"70,000", "500", "1", "59,999"} {
		p.fill("#query", strings.ReplaceAll(index, ",", ""))
		p.press("#query")
		p.wait(index+" is in sight", seen(index))
		if width := eval[int](p, `document.getElementById("rail").scrollWidth`); width > 12_000_000 {
			t.Errorf("the strip is %d pixels wide", width)
		}
		if cards := eval[int](p, `document.querySelectorAll("#rail .slot").length`); cards > 30 {
			t.Errorf("%d cards", cards)
		}
	}
	p.route("#/chain")
	p.wait("the tip is in sight again", seen("100,000"))
}
