package browser

import (
	"fmt"
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
	t.Log("it goes when the browser sends nothing")
	p.fill(`#pay [name="amount"]`, "1e3")
	p.press("#pay button")
	p.wait("no answer is left", `document.querySelector("#pay .answer").textContent === ""`)
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
