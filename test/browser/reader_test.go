package browser

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestLanguageAndTheme speaks the browser's language at first, then the one that was chosen, and keeps theme and size.
func TestLanguageAndTheme(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	n.mineBlocks(1)
	p := openTab(t, n, wide, high)
	p.wait("it speaks English", `document.getElementById("tab-chain").textContent === "Chain" && document.documentElement.lang === "en"`)
	p.press("#language")
	p.wait("it speaks Chinese", `document.getElementById("tab-chain").textContent === "区块链" && document.documentElement.lang === "zh-CN"`)
	p.tipIs(2, ".pays", "无付款")
	for _, view := range []string{"forks", "network", "mining", "lab", "block/2", "address/bob"} {
		p.route("#/" + view)
		p.wait("nothing is left in English", fmt.Sprintf(`location.hash === "#/%s" && !/[a-z]{3}ing\b|\bthe\b/i.test([...document.querySelectorAll("main > section:not([hidden]) :is(h1, h2, h3, p, th, dt, label, button, option, legend)")].map((e) => e.innerText).join(" "))`, view))
	}
	p.route("#/chain")
	p.press("#theme")
	p.wait("it is dark", `getComputedStyle(document.body).backgroundColor === "rgb(20, 22, 26)"`)
	p.press("#size")
	p.wait("it is large", `parseFloat(getComputedStyle(document.documentElement).fontSize) > 20`)
	p.do(chromedp.Reload())
	p.wait("the choices are kept", `document.getElementById("tab-chain").textContent === "区块链" &&
		getComputedStyle(document.body).backgroundColor === "rgb(20, 22, 26)" && parseFloat(getComputedStyle(document.documentElement).fontSize) > 20`)
	p.press("#language")
	p.press("#theme")
	p.wait("it is light", `document.getElementById("theme").getAttribute("aria-label") === "Colours: light"`)
	p.press("#theme")
	p.press("#size")
	p.wait("and can be taken back", `localStorage.getItem("kuai-theme") === null && document.getElementById("theme").getAttribute("aria-label") === "Colours: as the system" && document.getElementById("tab-chain").textContent === "Chain" &&
		getComputedStyle(document.body).backgroundColor === "rgb(247, 245, 240)" && parseFloat(getComputedStyle(document.documentElement).fontSize) < 20`)

	t.Log("a browser that asks for Chinese gets it, before a script runs")
	call(p, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": "zh-CN,zh;q=0.9"}})
	p.run(`localStorage.clear()`)
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	p.do(chromedp.Reload())
	p.wait("it is Chinese", `document.getElementById("tab-chain").textContent === "区块链" && document.querySelectorAll("#rail .card").length === 3`)
}

// TestANewNodeIsNew: what the browser remembers of one node is not taken for a later node's on the same port.
func TestANewNodeIsNew(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	p := openTab(t, n, wide, high)
	p.press("#language")
	p.wait("it speaks Chinese", `document.documentElement.lang === "zh-CN"`)
	p.close()
	n.Stop()
	other := newNode(t)
	other.port = n.port
	other.Start()
	q := openTab(t, other, wide, high)
	q.shows("live", "Live")
}

// TestKeyboardOnly goes through the page by Tab and Enter alone.
func TestKeyboardOnly(t *testing.T) {
	n := startNode(t)
	p := openTab(t, n, wide, high)
	p.shows("live", "Live")
	tab := func(until string) {
		t.Helper()
		for range 40 {
			p.do(chromedp.KeyEvent("\t"))
			if eval[bool](p, fmt.Sprintf(`document.activeElement.matches(%q)`, until)) {
				if !eval[bool](p, `((s, box) => (s.outlineStyle !== "none" || document.activeElement.matches(".node") || getComputedStyle(document.activeElement.closest("label")).outlineStyle !== "none") && box.bottom > 0 && box.top < innerHeight)(getComputedStyle(document.activeElement), document.activeElement.getBoundingClientRect())`) {
					t.Errorf("the focus on %s cannot be seen", until)
				}
				return
			}
		}
		t.Fatalf("Tab does not lead to %s", until)
	}
	key := func(keys string) { p.do(chromedp.KeyEvent(keys)) }
	tab("#skip")
	key("\r")
	p.focused("main")
	tab("#query")
	tab(".ghost")
	tab(`#pay [name="sender"]`)
	key("李雷")
	tab("#pay button")
	key("\r")
	p.says("pay", "Transaction will be added")
	t.Log("from the ghost by arrow to the tip, which opens")
	p.do(chromedp.Focus(chromedp.CSS("#skip")))
	tab(".ghost")
	key(kb.ArrowRight)
	p.focused(newest + "a")
	key("\r")
	p.wait("the block is open", `document.querySelector("#detail h1")?.textContent === "Block 1"`)
	t.Log("one stop of Tab for all cards; Home and End lead to the ends")
	n.mineBlocks(40)
	p.tipIs(41, "b", "41")
	p.do(chromedp.Focus(chromedp.CSS("#query")))
	tab("#rail .card")
	key(kb.End)
	p.wait("the first block has the focus", `document.activeElement.matches('.slot[aria-posinset="42"] a')`)
	key("\r")
	p.wait("it is open", `document.querySelector("#detail h1")?.textContent === "Block 1"`)
	key(kb.Home)
	p.focused(".ghost")
	key(kb.ArrowRight)
	p.focused(newest + "a")
	if stops := eval[int](p, `document.querySelectorAll("#strip[tabindex], #rail a:not([tabindex='-1'])").length`); stops != 1 {
		t.Errorf("Tab stops %d times in the strip", stops)
	}
	t.Log("the tabs of the bar")
	p.do(chromedp.Focus(chromedp.CSS("#skip")))
	tab("#tab-mining")
	key("\r")
	p.wait("mining is shown", `!document.getElementById("view-mining").hidden && document.getElementById("view-chain").hidden`)
	tab("#mine button")
	key("\r")
	p.says("mine", "Mined block 42")
	tab(`#mode [name="mode"]`)
	key(kb.ArrowDown)
	p.wait("instant is chosen", `document.querySelector("#mode :checked").value === "instant"`)
	tab("#mode button")
	key("\r")
	p.says("mode", "The mode is Instant")
	tab(`#try [name="proof"]`)
	key("\r")
	p.wait("the number was tried", `document.querySelector("#tried mark, #tried .bad, #tried .good") !== null`)
}

// TestTryProof has the browser find a proof, and the node make a block of it.
func TestTryProof(t *testing.T) {
	t.Parallel()
	n := startNode(t, "--network", networkFile(t, "easy", 2))
	p := openTab(t, n, wide, high)
	p.shows("live", "Live")
	p.route("#/mining")
	p.press("#try-run")
	p.wait("a proof is found", `!document.getElementById("try-send").hidden`)
	p.wait("its zeros are marked", `document.querySelector("#tried mark.enough").textContent.startsWith("00")`)
	p.wait("the commands ask for the work and send the proof", `((shown) => shown.length === 2 && shown[0].endsWith("/mining/work") &&
		shown[1].includes("/mining/submit") && shown[1].includes('"proof":' + document.querySelector("#try [name=proof]").value + "}"))(
		[...document.querySelectorAll("#try ~ .curl code")].map((c) => c.textContent))`)
	p.press("#try-send")
	p.says("try", "Mined block 2")
	p.wait("the proof is used up", `document.querySelectorAll("#try ~ .curl").length === 1`)
	n.waitHeight(2)
}

// TestCurl runs the commands that the page shows.
func TestCurl(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	n := startNode(t)
	p := openTab(t, n, wide, high)
	p.shows("live", "Live")
	p.fill(`#pay [name="sender"]`, "O'Neil $(x) \"q\" \\")
	p.run(`document.querySelector("#pay").dispatchEvent(new Event("input"))`)
	command := eval[string](p, `document.querySelector("#pay + .curl code").textContent`)
	out, err := exec.CommandContext(t.Context(), "sh", "-c", command+" -sS").CombinedOutput() //nolint:gosec // the page's own command
	if err != nil {
		t.Fatalf("%s: %v %s", command, err, out)
	}
	p.wait("the payment is shown as it was typed", `document.querySelector("#payments bdi")?.title === "O'Neil $(x) \"q\" \\"`)
	for _, view := range []string{"chain", "forks", "network", "mining"} {
		p.route("#/" + view)
		p.wait("its commands are there", `[...document.querySelectorAll("main > section:not([hidden]) .curl code")].length > 0 &&
			[...document.querySelectorAll("main > section:not([hidden]) .curl code")].every((c) => c.textContent.startsWith("curl "))`)
		p.wait("each can be pressed", `[...document.querySelectorAll("main > section:not([hidden]) .curl summary")].every((s) => s.offsetHeight === 0 || s.offsetHeight >= 24)`)
	}
}

// TestAccessible has axe-core look at each view, in both themes.
func TestAccessible(t *testing.T) {
	t.Parallel()
	source := needAxe(t)
	n, old := forkedNode(t)
	p := openTab(t, n, wide, high)
	p.shows("live", "Live")
	p.run(source)
	for _, route := range []string{"chain", "block/" + old.Hash, "address/bob", "forks", "network", "mining"} {
		p.route("#/" + route)
		p.wait(route+" is there", `document.querySelector("#detail .wait") === null && (document.querySelector("main > section:not([hidden])").id !== "view-forks" || document.querySelector("#tree .node.side") !== null)`)
		p.axe(route)
	}
}

// axe has axe-core look at what the tab shows, in both themes.
func (p *tab) axe(what string) {
	p.t.Helper()
	for theme, rules := range map[string]string{"light": "", "dark": `, runOnly: ["color-contrast"]`} { // the rest is the same
		p.scheme(theme)
		p.run(`window.found = null; axe.run(document, { resultTypes: ["violations"]` + rules + ` }).then((r) => {
			window.found = r.violations.map((v) => v.id + ": " + v.help + " " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + " " + (n.any[0]?.message ?? "")).join("; "));
		})`)
		p.wait("axe has looked", `window.found !== null`)
		for _, v := range eval[[]string](p, `window.found`) {
			p.t.Errorf("%s in %s colours: %s", what, theme, v)
		}
	}
}

// needAxe returns axe-core's script, which .ci/run gets from npm: AXE_CORE names the folder of the package.
func needAxe(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("AXE_CORE")
	if dir == "" && os.Getenv("CI") == "" {
		t.Skip("AXE_CORE does not name the folder of npm's axe-core")
	}
	source, err := os.ReadFile(filepath.Join(dir, "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// TestInvitation shows the code, the command and the QR code, and all that large.
func TestInvitation(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	p := openTab(t, n, wide, high)
	p.shows("live", "Live")
	p.route("#/network")
	p.press("#invite button")
	p.says("invite", "The invitation is below")
	var invite struct{ Code, Command string }
	n.ask("GET", "/invite", "", &invite)
	p.shows("invitation", invite.Code)
	p.shows("invitation", invite.Command)
	p.wait("the QR code is drawn", `document.querySelector("#invitation .qr path").getAttribute("d").length > 100`)
	p.run(`[...document.querySelectorAll("#invitation button")].at(-1).click()`)
	for _, screen := range []struct{ width, height, qr, letter int64 }{{1280, 720, 500, 40}, {1920, 1080, 850, 60}, {360, 640, 250, 24}} {
		p.do(chromedp.EmulateViewport(screen.width, screen.height))
		p.wait("it fills the screen", fmt.Sprintf(`((d, qr, code) => d.open && d.clientWidth === innerWidth && d.clientHeight === innerHeight && d.scrollHeight <= d.clientHeight && d.scrollWidth <= d.clientWidth &&
			qr.getBoundingClientRect().width >= %d && parseFloat(getComputedStyle(code).fontSize) >= %d)(document.getElementById("projector"), document.querySelector("#projector .qr"), document.getElementById("projector-code"))`, screen.qr, screen.letter))
		p.picture(fmt.Sprint("projector-", screen.width))
	}
	p.wait("the code is whole", fmt.Sprintf(`document.getElementById("projector-code").textContent === %q`, invite.Code))
	p.do(chromedp.KeyEvent(kb.Escape))
	p.wait("it is closed", `!document.getElementById("projector").open`)
}
