package browser

import (
	"fmt"
	"os"
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
