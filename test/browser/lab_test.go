package browser

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"kuai/test/process"
)

// openLab opens the view of the lab on a node that has one.
func openLab(t *testing.T, n *node, width, height int64) *tab {
	t.Helper()
	p := openTab(t, n, width, height)
	p.shows("live", "Live")
	p.route("#/lab")
	p.wait("the lessons are listed", `document.querySelectorAll(".lessons a").length > 1`)
	return p
}

// TestWithoutLab shows how to start a node that has one.
func TestWithoutLab(t *testing.T) {
	t.Parallel()
	p := openTab(t, startNode(t), wide, high)
	p.shows("live", "Live")
	p.route("#/lab")
	p.wait("it says so", `!document.getElementById("lab-none").hidden && document.getElementById("lab-home").hidden`)
	p.shows("lab-command", "kuai daemon --lab")
	p.wait("there is no banner", `document.getElementById("lab-note").hidden`)
	p.press("#language")
	p.wait("the button beside the command follows the language", `document.querySelector("#lab-command + .copy button").textContent === "复制"`)
}

// TestSwitches cuts a node off from its peer and heals it, disturbs gossip, and sets the clock wrong, by the form and by its curl.
func TestSwitches(t *testing.T) {
	t.Parallel()
	n := startNode(t, "--lab")
	other := startNode(t, "--peer", n.multiaddr())
	p := openLab(t, n, wide, high)
	p.wait("the banner says what it is", `document.getElementById("lab-note").textContent.includes("on purpose")`)
	peers := openTab(t, other, wide, high)
	peers.shows("lab-peers", "Connected lab nodes, which may fail on purpose: "+short(n.id()))
	p.shows("cut-peers", short(other.id()))
	p.run(`document.querySelector("#cut-peers input").click()`)
	p.wait("the curl cuts the same peer off", fmt.Sprintf(`document.querySelector("#switches + .curl code").textContent.includes(%q)`, other.id()))
	p.press("#switches button")
	p.says("switches", "Cut off from "+short(other.id()))
	p.shows("lab-now", "Cut off from "+short(other.id()))
	p.focused("#switches button")
	p.shows("peers", "0")
	p.route("#/network")
	p.shows("others", "cut off by the lab")
	p.route("#/lab")
	other.mineBlocks(2)
	n.mine()
	p.shows("height", "2")
	p.wait("there is a curl for that, too", `[...document.querySelectorAll("#switches ~ .curl code")].some((c) => c.textContent.endsWith("/lab/switches -d '{}'"))`)
	p.press("#heal")
	p.says("switches", "All switches are off")
	p.shows("peers", "1")
	p.shows("height", "3")
	p.wait("the box is empty again", `document.querySelector("#cut-peers input")?.checked === false`)

	t.Log("gossip and the clock")
	p.fill(`#switches [name="loss"]`, "30")
	p.fill(`#switches [name="delay"]`, "250")
	p.fill(`#switches [name="skew"]`, "-60")
	p.press("#switches button")
	p.says("switches", "30 % of messages are lost · Messages are 250 ms late · The clock is -60 s ahead")
	var lab struct {
		Switches struct {
			Skew  int `json:"clock_skew_s"`
			Delay int `json:"delay_ms"`
		}
	}
	n.ask("GET", "/lab", "", &lab)
	if lab.Switches.Skew != -60 || lab.Switches.Delay != 250 {
		t.Errorf("the node has %+v", lab.Switches)
	}
	t.Log("what the node refuses is said beside the button")
	p.expectRefusals()
	p.run(`document.querySelector('#switches [name="delay"]').max = ""`)
	p.fill(`#switches [name="delay"]`, "30001")
	p.press("#switches button")
	p.says("switches", "must be an integer from 0 to 30000")
}

// TestSides has a teacher part a class in two on the page, each with a chain of its own, and heal it; the students' pages say so.
func TestSides(t *testing.T) {
	t.Parallel()
	teacher := startNode(t, "--lab", "--network", networkFile(t, "easy", 1))
	p := openLab(t, teacher, wide, high)
	p.shows("sides-none", "No such node is connected")
	one, two := joinNode(t, teacher), joinNode(t, teacher)
	p.wait("both have agreed", `document.querySelectorAll("#sides-nodes input").length === 2`)
	student := openLab(t, one, phoneWide, phoneHigh)
	p.run(fmt.Sprintf(`document.querySelector('#sides-nodes [value="%s"]').click()`, one.id()))
	p.wait("the curl asks for the same", fmt.Sprintf(`document.querySelector("#sides + .curl code").textContent.includes('{"seconds":600,"other":["%s"]}')`, one.id()))
	p.press("#sides-go")
	p.says("sides", "2 nodes have followed")
	p.shows("sides-now", "This node is on side 1; nodes on side 2: 1.")
	p.focused("#sides-heal")
	p.shows("sides-heal", "End the split")
	p.shows("lab-split", "by this node: this node is on side 1")
	student.shows("lab-split", "by "+short(teacher.id())+": this node is on side 2")
	student.shows("sides-now", "This node is on side 2")
	student.shows("peers", "0")
	if w := eval[int](student, `document.documentElement.scrollWidth`); w > phoneWide {
		t.Errorf("the page is %d pixels wide", w)
	}
	p.picture("teacher")
	student.picture("student")
	one.mineBlocks(2)
	two.mineBlocks(3)
	p.shows("height", "4")
	student.shows("height", "3")
	p.wait("there is a curl for the end", `[...document.querySelectorAll("#sides ~ .curl code")].some((c) => c.textContent.includes("-X DELETE") && c.textContent.endsWith("/lab/sides"))`)
	p.press("#sides-heal")
	p.says("sides", "2 nodes have followed")
	p.shows("sides-now", "not split")
	p.focused("#sides-go")
	p.isEmpty("lab-split")
	student.isEmpty("lab-split")
	student.shows("height", "4")
	student.shows("peers", "2")
}

// joinNode starts a lab node that joins by another one's invitation.
func joinNode(t *testing.T, to *node) *node {
	t.Helper()
	var invite struct{ Command string }
	to.ask("GET", "/invite", "", &invite)
	n := newNode(t)
	n.Process = process.New(t, fmt.Sprintf("joined node on port %d", n.port), func(args ...string) *exec.Cmd {
		words := append(strings.Fields(invite.Command)[1:], n.flags()...)
		cmd := process.Command(append(words, args...)...)
		cmd.Env = append(cmd.Env, "HOME="+n.dir)
		return cmd
	})
	n.Start()
	return n
}

// walk plays the lesson that is open, with the choice of that number, to its verdict.
func (p *tab) walk(choice int) {
	p.t.Helper()
	p.run(fmt.Sprintf(`document.querySelectorAll('#predict [name="choice"]')[%d].click()`, choice))
	p.press("#predict button")
	p.focused("#told-title")
	p.wait("one button stands out", `document.querySelectorAll("#lesson button.first:not([hidden])").length === 1`)
	steps := 1
	for eval[bool](p, `!document.getElementById("step-next").hidden`) {
		if steps++; steps > 100 {
			p.t.Fatal("the story has no end")
		}
		p.run(`window.before = document.querySelector("#told .hint").textContent`)
		p.press("#step-next")
		p.wait("the next step", `document.getElementById("step-next").hidden || document.querySelector("#told .hint").textContent !== window.before`)
	}
	p.focused("#shown-title")
	if bad := eval[string](p, `[...document.querySelectorAll(".checks .bad")].map((e) => e.textContent).join("; ")`); bad != "" {
		p.t.Error(bad)
	}
	if n := eval[int](p, `document.querySelectorAll(".checks .good").length`); n == 0 {
		p.t.Error("the verdict has no checks")
	}
	if empty := eval[string](p, `[...document.querySelectorAll("#lesson :is(h1, h2, b, p, li, span, figcaption, legend)")].filter((e) => /undefined|NaN|\[object/.test(e.textContent)).map((e) => e.textContent).join("; ")`); empty != "" {
		p.t.Errorf("a text is not there: %s", empty)
	}
}

// lessons lists the names of the lessons, in the order of the page.
func (p *tab) lessons() []string {
	p.t.Helper()
	return eval[[]string](p, `[...document.querySelectorAll(".lessons a")].map((a) => a.hash.slice("#/lab/".length))`)
}

// open opens a lesson by its address.
func (p *tab) open(lesson string) {
	p.t.Helper()
	p.route("#/lab/" + lesson)
	p.wait(lesson+" is open", fmt.Sprintf(`document.querySelector("#lesson .curl code")?.textContent.includes(%q) && document.getElementById("told").hidden`, lesson))
}

// TestLessons walks through each lesson, and through some in Chinese.
func TestLessons(t *testing.T) {
	t.Parallel()
	n := startNode(t, "--lab")
	p := openLab(t, n, wide, high)
	names := p.lessons()
	for i, name := range names {
		t.Log(name)
		p.open(name)
		p.walk(i % 2)
		p.wait("the prediction is judged", `/prediction was right|The answer: ./.test(document.querySelector("#shown .said").textContent)`)
	}
	t.Log("back through the history, and to the list")
	p.do(chromedp.NavigateBack())
	p.wait("the lesson before", fmt.Sprintf(`document.querySelector("#lesson .curl code")?.textContent.includes(%q)`, names[len(names)-2]))
	p.run(`document.querySelector("#lesson .neighbours a").click()`)
	p.wait("the list", `document.getElementById("lesson").hidden && !document.getElementById("lab-home").hidden`)

	t.Log("in Chinese, switched in the middle of a story")
	p.open(names[1])
	p.run(`document.querySelector('#predict [name="choice"]').click()`)
	p.press("#predict button")
	p.focused("#told-title")
	p.press("#language")
	p.wait("the story goes on in Chinese", `document.getElementById("told-title").textContent === "发生了什么" && document.getElementById("step-next").textContent === "下一步"`)
	for _, name := range names[:min(3, len(names))] {
		p.open(name)
		p.walk(0)
		p.wait("nothing is left in English", `!/\b(the|is|step|block|node)\b/i.test(document.getElementById("lesson").innerText)`)
	}
}

// TestLessonOptions plays a lesson with another seed and number of nodes, and shows what is refused.
func TestLessonOptions(t *testing.T) {
	t.Parallel()
	p := openLab(t, startNode(t, "--lab"), phoneWide, phoneHigh)
	p.open("fork-race")
	p.fill(`#predict [name="seed"]`, "7")
	p.fill(`#predict [name="nodes"]`, "9")
	p.run(`document.querySelector("#predict").dispatchEvent(new Event("input"))`)
	p.wait("the commands say the same", `[...document.querySelectorAll("#lesson .curl code")].map((c) => c.textContent).join(" ").includes('{"seed":7,"nodes":9}') &&
		[...document.querySelectorAll("#lesson .curl code")].some((c) => c.textContent === "kuai lab run fork-race --seed 7 --nodes 9")`)
	p.walk(2)
	p.wait("nine nodes", `document.querySelectorAll("#world .who").length === 9`)
	p.wait("the tips are drawn", `document.querySelectorAll(".story-svg .chip").length > 0`)
	if w := eval[int](p, `document.documentElement.scrollWidth`); w > phoneWide {
		t.Errorf("the page is %d pixels wide", w)
	}
	p.expectRefusals()
	p.run(`document.querySelector('#predict [name="nodes"]').max = ""`)
	p.fill(`#predict [name="nodes"]`, "51")
	p.press("#predict button")
	p.wait("the node says its bounds", `document.querySelector("#predict .answer").textContent.includes("takes 2 to")`)
	t.Log("a lesson that there is not")
	p.route("#/lab/nonsense")
	p.wait("it says so", `document.querySelector("#lesson h1").textContent === "There is no such lesson" && document.getElementById("lab-home").hidden`)
	p.run(`document.querySelector("#lesson a").click()`)
	p.wait("the lessons are there", `document.getElementById("lesson").hidden && !document.getElementById("lab-home").hidden`)
	p.route("#forks")
	p.wait("a slash may be missing", `!document.getElementById("view-forks").hidden`)
}

// TestTampering changes a block of the node's own chain in a copy, and mines the rest again in the browser.
func TestTampering(t *testing.T) {
	t.Parallel()
	n := startNode(t, "--lab", "--network", networkFile(t, "easy", 2))
	p := openLab(t, n, wide, high)
	p.open("tampering")
	p.wait("there is too little to change", `document.querySelector("#tamper form button") !== null`)
	p.press("#tamper form button")
	p.wait("four blocks are copied", `document.querySelectorAll(".scratch").length === 4`)
	p.shows("tamper-said", "All links hold")
	p.run(`document.querySelectorAll(".scratch")[1].click()`)
	p.wait("block 2 is in the field", `document.querySelector("#tamper textarea").value.includes('"index": 2')`)
	p.run(`((e) => { e.value = e.value.replace('"amount": 1', '"amount": 1000'); e.dispatchEvent(new Event("input")); })(document.querySelector("#tamper textarea"))`)
	p.shows("tamper-said", "Block 2 breaks a rule: the reward is 1")
	p.press("#tamper-form button")
	p.says("tamper-form", "Mined again: 2")
	p.wait("no length helps against the rule", `document.querySelectorAll(".scratch.wrong").length === 1 && document.querySelector(".scratch.wrong").textContent.includes("fits, and breaks a rule: the reward is 1")`)
	p.press("#tamper-form [type=button]")
	p.shows("tamper-said", "All links hold.")
	p.run(`document.querySelectorAll(".scratch")[1].click()`)
	p.run(`((e) => { e.value = e.value.replace('"recipient": "', '"recipient": "x'); e.dispatchEvent(new Event("input")); })(document.querySelector("#tamper textarea"))`)
	p.shows("tamper-said", "broken at block 3")
	p.wait("the link that broke is marked", `[...document.querySelectorAll(".scratch")].map((b) => b.className.trim()).join() === "scratch,scratch changed,scratch wrong,scratch"`)
	p.press("#tamper-form button")
	p.wait("all links hold again", `document.getElementById("tamper-said").textContent.includes("hold again") && document.querySelector("#tamper-form .answer").textContent.includes("Mined again: 2")`)
	p.focused("#tamper-form button")
	p.press("#tamper-form [type=button]")
	p.shows("tamper-said", "All links hold.")

	t.Log("what is not a block is told, and not mined")
	write := func(from, to string) {
		t.Helper()
		p.run(fmt.Sprintf(`((e) => { e.value = e.value.replace(%s, %q); e.dispatchEvent(new Event("input")); })(document.querySelector("#tamper textarea"))`, from, to))
	}
	p.run(`document.querySelectorAll(".scratch")[1].click()`)
	for _, c := range []struct{ from, to, fault string }{
		{`/"proof": [0-9]+/`, `"proof": "abc"`, "has no valid proof"},
		{`/"proof": "abc"/`, `"proof": -7`, "has no valid proof"},
		{`/"proof": -7/`, `"proof": 7`, ""},
		{`/"previous_hash": "[0-9a-f]+"/`, `"previous_hash": 5`, "has no valid previous_hash"},
		{`/^.*$/`, "garbage", "is not JSON any more"},
		{`/^.*$/`, "null", "has no valid index"},
	} {
		write(c.from, c.to)
		if c.fault == "" {
			p.isEmptyAnswer("tamper-form")
			continue
		}
		p.wait("the block says so", fmt.Sprintf(`document.querySelectorAll(".scratch")[1].textContent.includes(%q)`, c.fault))
		p.press("#tamper-form button")
		p.says("tamper-form", "Block 2 "+c.fault+": there is nothing to mine.")
		p.wait("nothing was mined", fmt.Sprintf(`document.querySelector("#tamper textarea").value.includes(%q)`, c.to))
	}
	p.press("#tamper-form [type=button]")
	p.shows("tamper-said", "All links hold.")
	var chain struct{ Height int }
	n.ask("GET", "/node", "", &chain)
	if chain.Height != 4 {
		t.Errorf("the node has %d blocks", chain.Height)
	}
}

// isEmptyAnswer waits until no answer is beside a form.
func (p *tab) isEmptyAnswer(form string) {
	p.t.Helper()
	p.wait("there is no answer in #"+form, fmt.Sprintf(`document.querySelector("#%s .answer").textContent === ""`, form))
}

// TestLabByKeyboard goes from the bar to a verdict by Tab, arrows, Space and Enter.
func TestLabByKeyboard(t *testing.T) {
	n := startNode(t, "--lab")
	p := openTab(t, n, wide, high)
	p.shows("live", "Live")
	tab := func(until string) {
		t.Helper()
		for range 60 {
			p.do(chromedp.KeyEvent("\t"))
			if eval[bool](p, fmt.Sprintf(`document.activeElement.matches(%q)`, until)) {
				return
			}
		}
		t.Fatalf("Tab does not lead to %s", until)
	}
	tab("#tab-lab")
	p.do(chromedp.KeyEvent("\r"))
	p.wait("the lessons are listed", `document.querySelectorAll(".lessons a").length > 1`)
	tab(`.lessons a[href="#/lab/fork-race"]`)
	p.do(chromedp.KeyEvent("\r"))
	p.wait("the lesson is open", `document.querySelector("#lesson h1")?.textContent === "Fork race"`)
	tab(`#predict [name="choice"]`)
	p.do(chromedp.KeyEvent(kb.ArrowDown))
	tab("#predict button")
	p.do(chromedp.KeyEvent("\r"))
	p.focused("#told-title")
	for eval[bool](p, `document.getElementById("shown").hidden`) {
		if !eval[bool](p, `document.activeElement.id === "step-next"`) {
			tab("#step-next")
		}
		p.do(chromedp.KeyEvent("\r"))
	}
	p.focused("#shown-title")
}

// TestLabToken asks for the token of a node that has one before it shows its lab.
func TestLabToken(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	const token = "0123456789abcdef0123456789abcdef"
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := openTab(t, startNode(t, "--lab", "--api-token-file", file), wide, high)
	p.expectRefusals()
	p.shows("live", "Live")
	p.route("#/lab/fork-race")
	p.wait("there is a button", `!document.getElementById("lab-open").hidden`)
	p.press("#lab-open button")
	p.focused("#token")
	p.fill("#token", token)
	p.press("#access button")
	p.press("#lab-open button")
	p.wait("the lesson is open", `document.querySelector("#lesson h1")?.textContent === "Fork race"`)
	p.walk(0)
}

// labViews brings the tab to the list and to the ends of some lessons, all if none is named.
func (p *tab) labViews(look func(name string), chosen ...string) {
	p.t.Helper()
	p.route("#/lab")
	p.wait("the list", `!document.getElementById("lab-home").hidden`)
	look("lab")
	names := p.lessons()
	if len(chosen) > 0 {
		names = chosen
	}
	for _, name := range names {
		p.open(name)
		if name == "fork-race" {
			look("lab-predict")
		}
		p.walk(0)
		look("lab-" + name)
	}
}

// TestLabAccessible has axe-core look at the lab, in both themes.
func TestLabAccessible(t *testing.T) {
	t.Parallel()
	source := needAxe(t)
	n := startNode(t, "--lab")
	n.mineBlocks(3)
	startNode(t, "--peer", n.multiaddr())
	p := openLab(t, n, wide, high)
	p.shows("peers", "1")
	joinNode(t, n)
	p.wait("a node can be put on the other side", `document.querySelectorAll("#sides-nodes input").length === 1`)
	p.run(source)
	p.labViews(func(name string) { p.axe(name) })
	p.route("#/lab")
	p.press("#sides-go")
	p.shows("sides-now", "Split until")
	p.axe("a network in two sides")
	p.route("#/network")
	p.shows("others", "cut off by the lab")
	p.axe("the other side in the table of peers")
}

// TestLabPictures takes pictures of the lab as TestPictures does of the other views.
func TestLabPictures(t *testing.T) {
	dir, whole := os.Getenv("KUAI_PICTURES"), true
	if dir == "" {
		dir, whole = t.TempDir(), false
	}
	n := startNode(t, "--lab")
	n.mineBlocks(3)
	startNode(t, "--peer", n.multiaddr(), "--name", "lab-pc-7")
	p := openLab(t, n, wide, high)
	p.shows("cut-peers", "lab-pc-7")
	for _, size := range [][2]int64{{360, 780}, {1280, 900}, {1920, 1080}} {
		p.do(chromedp.EmulateViewport(size[0], size[1]))
		p.scheme("light")
		some := []string{"tampering", "fork-race", "51-percent", "lost-payments"}
		if size[0] == wide {
			some = nil
		}
		p.labViews(func(name string) {
			if wide := eval[int64](p, `document.documentElement.scrollWidth`); wide > size[0] {
				t.Errorf("%s is %d pixels wide in a window of %d", name, wide, size[0])
			}
			for _, theme := range []string{"light", "dark"} {
				p.scheme(theme)
				p.keep(filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, size[0], theme)), whole)
			}
			p.scheme("light")
		}, some...)
	}
	p.do(chromedp.EmulateViewport(1280, 900))
	p.press("#language")
	p.press("#size")
	p.labViews(func(name string) {
		if wide := eval[int64](p, `document.documentElement.scrollWidth`); wide > 1280 {
			t.Errorf("%s in large type is %d pixels wide", name, wide)
		}
		p.keep(filepath.Join(dir, name+"-zh-large.png"), whole)
	}, "tampering", "fork-race", "51-percent")
}
