package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNodeAway stops the node under its page.
func TestNodeAway(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	p := openTab(t, n, phoneWide, phoneHigh)
	p.expectRefusals()
	p.shows("live", "Live")
	p.tipIs(1, ".miner", "First block")
	startNode(t, "--peer", n.multiaddr(), "--name", "lab-pc-2")
	p.shows("peers", "1")

	n.Stop()
	p.shows("trouble", "The node does not answer")
	p.shows("live", "Reconnecting")
	p.wait("what is seen looks stale", `document.body.classList.contains("stale")`)
	p.press("#pay button")
	p.says("pay", "The node did not answer")
	p.says("pay", "counts once")
	p.focused("#pay button")
	p.readable(t, "#trouble")
	p.readable(t, "#pay .answer")
	t.Log("the other views keep what they knew, and say from when it is")
	for _, view := range []string{"forks", "network", "mining", "lab"} {
		p.route("#/" + view)
		p.wait(view+" is there", fmt.Sprintf(`!document.getElementById("view-%s").hidden && document.body.classList.contains("stale")`, view))
		p.picture(view)
	}
	p.route("#/network")
	p.wait("the map keeps its peer", `document.querySelectorAll("#map .peer").length === 1 && document.querySelectorAll("#others tr").length === 1`)
	p.fill(`#join [name="node"]`, "127.0.0.1:1")
	p.press("#join button")
	p.says("join", "The node did not answer")
	p.route("#/chain")

	n.Restart()
	p.wait("the page is live again", `document.getElementById("live").textContent === "Live" && document.getElementById("trouble").hidden`)
	p.wait("the answer is gone", `document.querySelector("#pay .answer").textContent === ""`)
	p.press("#pay button")
	p.says("pay", "Transaction will be added")
	p.shows("pending", "1")
	n.mine()
	p.tipIs(2, ".pays", "1 payment")
}

// TestSameIDAfterNoAnswer sends a payment again whose answer never came: it counts once.
func TestSameIDAfterNoAnswer(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	p := openTab(t, n, wide, high)
	p.shows("live", "Live")
	// The node gets the request, the page not the answer.
	p.run(`{
		const real = window.fetch;
		window.fetch = async (path, options) => {
			const answer = await real(path, options);
			if (path !== "/transactions/new") return answer;
			window.fetch = real;
			throw new TypeError("Failed to fetch");
		};
	}`)
	p.press("#pay button")
	p.says("pay", "The node did not answer")
	p.shows("pending", "1")
	p.press("#pay button")
	p.says("pay", "Transaction will be added")
	p.focused("#pay button")
	p.shows("pending", "1")
	p.press("#pay button") // once it was answered, the same again is another payment
	p.shows("pending", "2")
}

// TestRefusal shows why the node refuses, beside what was pressed, in colours that can be read.
func TestRefusal(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	p := openTab(t, n, phoneWide, phoneHigh)
	p.expectRefusals()
	p.shows("live", "Live")
	p.fill(`#pay [name="recipient"]`, strings.Repeat("块", 200)) // 600 bytes
	p.press(`#pay [name="recipient"]`)
	p.wait("the answer is a refusal", `document.querySelector("#pay .answer").className === "answer bad"`)
	p.says("pay", "at most 256 bytes, this one 600")
	p.isEmpty("pay-new")
	p.focused(`#pay [name="recipient"]`)
	p.readable(t, "#pay .answer")
	for _, word := range []string{"undefined", "null", "Failed to fetch"} {
		if text := eval[string](p, `document.querySelector("#pay .answer").textContent`); strings.Contains(text, word) {
			t.Errorf("the answer says %q: %s", word, text)
		}
	}
	if w := eval[int](p, `document.documentElement.scrollWidth`); w > phoneWide {
		t.Errorf("the page is %d pixels wide in a window of %d", w, phoneWide)
	}
	t.Log("the next answer takes its place")
	p.fill(`#pay [name="recipient"]`, "bob")
	p.press("#pay button")
	p.says("pay", "Transaction will be added")
	p.wait("it is good", `document.querySelector("#pay .answer").className === "answer good"`)
	p.readable(t, "#pay .answer")
	t.Log("what the page can check, it says itself, and leads to the field")
	for amount, says := range map[string]string{"1e": "a number above 0", "12345678901234567.5": "would become 1.2345678901234568e+16", "": "a number above 0", "0.0": "a number above 0", "５": "a number above 0", "-1": "a number above 0",
		strings.Repeat("9", 20): "at most", strings.Repeat("9", 400) + ".5": "at most"} {
		p.run(fmt.Sprintf(`document.querySelector('#pay [name="amount"]').value = %q`, amount))
		p.press("#pay button")
		if amount == "" {
			says = "Fill in: Amount."
		}
		p.says("pay", says)
		p.focused(`#pay [name="amount"]`)
	}
	p.fill(`#pay [name="amount"]`, strings.Repeat("9", 18))
	p.press("#pay button")
	p.says("pay", "Transaction will be added")
}

// TestAmountsAsWritten: the page shows amounts as they are in the chain, from the first moment on, and says before a payment is sent how the
// node will write its amount.
func TestAmountsAsWritten(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	p := openTab(t, n, wide, high)
	p.shows("live", "Live")
	var all []string
	for _, c := range []struct{ typed, written string }{
		{"9007199254740993", ""}, {"5.0", ""}, {"0.1000", "0.1"}, {"0.00000001", "1e-08"}, {"1e3", "1000.0"}, {"1.5e-7", "1.5e-07"},
		{"12345678901234567e0", "1.2345678901234568e+16"}, {"0012.50", "12.5"}, {"1e+16", ""}, {"0.0001", ""}, {"1234567890123456.0", ""},
	} {
		p.fill(`#pay [name="amount"]`, c.typed)
		p.run(`document.querySelector('#pay [name="amount"]').dispatchEvent(new Event("input", { bubbles: true }))`)
		if c.typed == "12345678901234567e0" { // it would lose a digit
			p.isEmpty("pay-written")
			p.wait("there is no command of a form at fault", `document.querySelector("#pay + .curl code").textContent.startsWith("No command")`)
			continue
		}
		if want := c.written; want == "" {
			c.written = c.typed
			p.isEmpty("pay-written")
		} else {
			p.wait("it is foretold", fmt.Sprintf(`document.getElementById("pay-written").textContent === "Will be written as %s."`, want))
		}
		all = append(all, c.written)
		p.press("#pay button")
		p.shows("pending", fmt.Sprint(len(all)))
	}
	shown := fmt.Sprintf(`[...document.querySelectorAll("#payments td.number")].map((c) => c.textContent).join(" ") === %q`, strings.Join(all, " "))
	p.wait("they are as they were foretold", shown)
	t.Log("they are so from the first moment on")
	late := openTab(t, n, wide, high, without(`const real = window.fetch;
		window.fetch = (path, options) => path.startsWith("/transactions") ? new Promise(() => {}) : real(path, options);`))
	late.wait("the scripts have drawn the table", `document.querySelector("#payments td a[href^='#/address/']") !== null && document.getElementById("live").textContent === "Live"`)
	late.wait("with the amounts as they are", shown)
}

// TestRefusalsInChinese: each form of the page answers in the page's language, by the node or by itself, and speaks of no request.
func TestRefusalsInChinese(t *testing.T) {
	t.Parallel()
	n := startNode(t, "--network", "dev", "--lab")
	p := openTab(t, n, wide, high)
	p.expectRefusals()
	p.press("#language")
	p.shows("live", "实时")
	check := func(form, field, value, says string) {
		t.Helper()
		p.run(fmt.Sprintf(`document.getElementById(%q)[%q].value = %q`, form, field, value))
		p.press(fmt.Sprintf(`#%s button`, form))
		p.says(form, says)
		text := eval[string](p, fmt.Sprintf(`document.querySelector("#%s .answer").textContent`, form))
		for _, word := range []string{"want", "must", "JSON", "byte", "Entry", "nodes", "GET ", "Authorization", "refused"} {
			if strings.Contains(text, word) {
				t.Errorf("%s of %q: %s", form, value, text)
			}
		}
	}
	check("pay", "amount", "5", "付款将写入区块 2")
	check("pay", "amount", "5.5", "不小于 1 的整数")
	check("pay", "amount", "99999999999999999999", "最多 9007199254740991")
	check("pay", "amount", "99999999", "却要付 99999999")
	p.says("pay", "alice 有 ")
	check("pay", "recipient", "bobb", "bobb 既不是地址")
	check("pay", "sender", "alicee", "alicee 既不是地址")
	check("pay", "sender", " ", "既不是地址")
	check("pay", "sender", "", "请填写：付款方")
	p.route("#/network")
	check("join", "node", "nonsense", "地址无效")
	check("join", "node", "http://a b", "地址无效")
	check("join", "node", "ftp://a:1", "地址无效")
	check("join", "node", n.url(), "这是本节点自己")
	p.route("#/mining")
	check("mode", "seconds", "0", "1 到 86400")
	check("mode", "seconds", "5.5", "整数")
	p.run(`document.querySelector('#mode [value="manual"]').checked = true`)
	check("mode", "seconds", "5", "当前模式：手动")
	p.route("#/chain")
	check("pay", "sender", strings.Repeat("w", 257), "既不是地址")
	p.route("#/lab")
	p.wait("the lab is open", `!document.getElementById("lab-home").hidden`)
	check("switches", "loss", "101", "0 到 100")
	p.route("#/chain")
	for query, says := range map[string]string{"nobody": "不是地址", strings.Repeat("0", 64): "没有区块", strings.Repeat("0", 32): "没有付款"} {
		p.fill("#query", query)
		p.press("#query")
		p.wait("it says why in Chinese", fmt.Sprintf(`document.querySelector("#detail .bad")?.textContent.includes(%q)`, says))
	}
}

// TestSilentNode: what cannot be asked is not called missing, and comes when the node answers again. A view that there is not is.
func TestSilentNode(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	p := openTab(t, n, wide, high)
	p.expectRefusals()
	p.shows("live", "Live")
	p.route("#/nope")
	p.wait("there is no such view", `document.querySelector("#detail h1")?.textContent === "There is no such view" && document.querySelector("#detail").textContent.includes("nope") && document.querySelector('#detail a[href="#/chain"]') !== null`)
	n.Stop()
	p.shows("live", "Reconnecting")
	p.route("#/address/bob")
	p.wait("it does not answer", `document.querySelector("#detail h1")?.textContent === "The node does not answer"`)
	n.Restart()
	p.wait("it does", `document.querySelector("#detail h1")?.textContent === "Addressbob"`)
}

// TestUnknownRecipient: a hint beside the field, that hinders nobody.
func TestUnknownRecipient(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	n.pay("alice", "bob")
	n.mine()
	p := openTab(t, n, wide, high)
	p.tipIs(2, ".pays", "1 payment")
	to := func(name string) {
		p.fill(`#pay [name="recipient"]`, name)
		p.run(`document.querySelector('#pay [name="recipient"]').dispatchEvent(new Event("input", { bubbles: true }))`)
	}
	to("bbo")
	p.shows("pay-new", "no payment of this recipient yet")
	to("bob")
	p.isEmpty("pay-new")
	to("bbo")
	p.shows("pay-new", "no payment")
	p.press("#pay button")
	p.says("pay", "Transaction will be added")

	secure := startNode(t, "--network", "dev")
	p = openTab(t, secure, wide, high)
	p.shows("live", "Live")
	to(secure.id())
	p.shows("pay-new", "the id of a node, not an account")
	to("carol")
	p.isEmpty("pay-new")
	p.route("#/network/" + secure.id())
	p.wait("its rewards are led to", `document.querySelector("#found a")?.textContent === "rewards"`)
}

// TestWrongToken: a node that asks for its token is given a wrong one, then the right one; each time the page says what to do.
func TestWrongToken(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, network := range []string{"classic", "dev"} {
		n := startNode(t, "--network", network, "--api-token-file", file)
		p := openTab(t, n, phoneWide, phoneHigh)
		p.expectRefusals()
		p.shows("live", "Live")
		p.press("#pay button")
		p.wait("it is asked for the token", `!document.getElementById("access").hidden && document.activeElement.id === "token"`)
		p.shows("access-why", "--api-token-file")
		p.says("pay", "Enter the token above")
		p.fill("#token", "wrong")
		p.press("#token")
		p.focused("#pay button")
		p.press("#pay button")
		p.wait("that is wrong", `!document.getElementById("access").hidden && document.activeElement.id === "token"`)
		p.shows("access-why", "not this node's token")
		p.press("#language")
		p.shows("access-why", "这不是本节点的令牌")
		p.wait("no answer is left in another language", `document.querySelector("#pay .answer").textContent === ""`)
		p.press("#language")
		p.fill("#token", "right")
		p.press("#token")
		p.says("pay", `Press "Send" again`)
		p.focused("#pay button")
		p.press("#pay button")
		p.says("pay", "Transaction will be added to Block 2")
		p.shows("pending", "1")
		p.wait("it is asked no more", `document.getElementById("access").hidden`)
		p.focused("#pay button")
	}
}

// TestRefreshIsTriedAgain answers one question of the page with a status that is none of ours.
func TestRefreshIsTriedAgain(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	p := openTab(t, n, wide, high)
	p.shows("live", "Live")
	p.run(`{
		const real = window.fetch;
		let refused = 0;
		window.fetch = (path, options) => {
			if (!path.startsWith("/peers") || refused++) return real(path, options);
			return Promise.resolve(new Response("<h1>Bad gateway</h1>", { status: 502 }));
		};
		new MutationObserver(() => { window.seen = (window.seen ?? "") + document.getElementById("trouble").textContent; })
			.observe(document.getElementById("trouble"), { childList: true });
	}`)
	p.press("#pay button") // what was sent is followed by a refresh of all
	p.wait("the failure was shown", `window.seen?.includes("status 502")`)
	p.isEmpty("trouble")
}

// readable scrolls to an element and checks that it is inside the window, and that its text stands out from
// what is behind it, in light and dark colours (WCAG 2.2, 1.4.3: 4.5 to 1).
func (p *tab) readable(t *testing.T, selector string) {
	t.Helper()
	element := fmt.Sprintf(`document.querySelector(%q)`, selector)
	for _, scheme := range []string{"light", "dark"} {
		p.scheme(scheme)
		p.run(element + `.scrollIntoView({ block: "center" })`)
		if !eval[bool](p, `((box) => box.height > 0 && box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth)(`+
			element+`.getBoundingClientRect())`) {
			t.Errorf("%s is outside the window", selector)
		}
		if got := eval[float64](p, contrast+`(`+element+`)`); got < 4.5 {
			t.Errorf("%s in %s colours: contrast %.2f to 1", selector, scheme, got)
		}
	}
}

// contrast is a function of an element: the ratio of luminance between its text and the first background behind
// it. A canvas gives the bytes of any colour that CSS can name; the colour of the page itself is the system's.
const contrast = `((element) => {
	const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
	const bytes = (colour) => {
		pen.clearRect(0, 0, 1, 1);
		pen.fillStyle = colour;
		pen.fillRect(0, 0, 1, 1);
		return [...pen.getImageData(0, 0, 1, 1).data];
	};
	const luminance = (colour) => {
		const [r, g, b] = bytes(colour).map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	let behind = element;
	while (behind && bytes(getComputedStyle(behind).backgroundColor)[3] < 255) behind = behind.parentElement;
	const back = behind ? getComputedStyle(behind).backgroundColor : matchMedia("(prefers-color-scheme: dark)").matches ? "#121212" : "#fff";
	const [low, high] = [luminance(getComputedStyle(element).color), luminance(back)].sort((a, b) => a - b);
	return (high + 0.05) / (low + 0.05);
})`
