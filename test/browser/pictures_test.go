package browser

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// readme is where the pictures of README.md and README.zh-CN.md are written: go test ./test/browser -run Readme -readme ../../docs/pictures
var readme = flag.String("readme", "", "`folder` for the pictures of the README")

// maxPicture is the most bytes of a picture that everybody who clones the repository gets.
const maxPicture = 200 << 10

// TestReadmePictures takes the pictures of the README in both languages: the chain, a fork that was replaced, and a lesson.
func TestReadmePictures(t *testing.T) {
	dir := *readme
	if dir == "" {
		dir = t.TempDir()
	}
	n, other := startNode(t, "--name", "lab-pc-7"), startNode(t, "--name", "lab-pc-8")
	p, lab := openTab(t, n, 1280, 720), openTab(t, startNode(t, "--lab"), 1280, 720)
	for _, q := range []*tab{p, lab} {
		q.still()
		q.shows("live", "Live")
	}
	n.pay("alice", "bob")
	n.mineBlocks(2)
	other.mineBlocks(3)
	n.register(other)
	p.shows("news-text", "1 payment is pending again")
	p.press("#news-close")
	n.mineBlocks(4)
	for _, to := range []string{"bob", "王小明", "carol"} {
		n.pay("alice", to)
	}
	for _, language := range []string{"", "-zh"} {
		keep := func(q *tab, name string) {
			t.Helper()
			file := filepath.Join(dir, name+language+".png")
			q.keep(file, false)
			if info, err := os.Stat(file); err != nil || info.Size() > maxPicture {
				t.Errorf("%s: %v, want at most %d bytes", file, err, maxPicture)
			}
		}
		p.route("#/chain")
		p.wait("three payments are pending", `document.querySelectorAll("#payments a[href^='#/payment/']").length === 3`)
		p.run(`document.activeElement.blur(); scrollTo(0, 0)`)
		keep(p, "chain")
		p.route("#/forks")
		p.wait("the branch is drawn, and the story told", `document.querySelectorAll("#tree .node.side").length > 0 && document.querySelector("#reorgs p") !== null`)
		keep(p, "forks")
		p.press("#language")

		lab.route("#/lab")
		lab.wait("the lessons are listed", `document.querySelectorAll(".lessons a").length > 1`)
		lab.open("fork-race") // the story of the other language ends
		lab.open("double-spend")
		lab.run(`document.querySelector('#predict [name="choice"]').click()`)
		lab.press("#predict button")
		lab.focused("#told-title")
		lab.press("#step-next")
		lab.press("#step-next")
		lab.run(`document.activeElement.blur(); scrollTo(0, document.getElementById("told").getBoundingClientRect().top + scrollY - 80)`)
		keep(lab, "lab")
		lab.press("#language")
	}
}

// legible looks for text in drawings that is smaller than 11 pixels.
func (p *tab) legible(name string) {
	p.t.Helper()
	small := eval[[]string](p, `[...document.querySelectorAll("main > section:not([hidden]) svg text")].map((e) =>
		[e.textContent, parseFloat(getComputedStyle(e).fontSize) * (e.ownerSVGElement.getScreenCTM()?.a ?? 1)]).filter(([text, size]) => text && size < 11).map((e) => e.join(" "))`)
	if len(small) > 0 {
		p.t.Errorf("%s in a window of %d pixels has small texts: %q", name, eval[int](p, `innerWidth`), small)
	}
}

// TestPictures takes pictures of each view in three widths and both themes, of the whole page into the folder
// that KUAI_PICTURES names, else of the window into a temporary one, and looks for what sticks out of the
// window.
func TestPictures(t *testing.T) {
	dir, whole := os.Getenv("KUAI_PICTURES"), true
	if dir == "" {
		dir, whole = t.TempDir(), false
	}
	n, b := forkedNode(t)
	hash := b.Hash
	n.pay("alice", "bob")
	n.pay("王小明", "李雷")
	p := openTab(t, n, 1280, 900)
	p.shows("live", "Live")
	views := []struct{ name, route, ready string }{
		{"chain", "#/chain", `document.querySelectorAll("#payments a").length >= 4`},
		{"block", "#/block/" + hash, `document.querySelector("#detail .bytes") !== null`},
		{"address", "#/address/bob", `document.querySelector("#detail table") !== null`},
		{"forks", "#/forks", `document.querySelectorAll("#tree .node.side").length > 0`},
		{"network", "#/network", `document.querySelectorAll("#map .peer").length > 0`},
		{"mining", "#/mining", `document.querySelector("#why .formula") !== null && document.querySelector("#odds svg") !== null`},
	}
	for _, size := range [][2]int64{{360, 780}, {1280, 900}, {1920, 1080}} {
		p.do(chromedp.EmulateViewport(size[0], size[1]))
		for _, theme := range []string{"light", "dark"} {
			p.scheme(theme)
			for _, v := range views {
				p.route(v.route)
				p.wait(v.name+" is there", v.ready)
				if wide := eval[int64](p, `document.documentElement.scrollWidth`); wide > size[0] {
					t.Errorf("%s is %d pixels wide in a window of %d", v.name, wide, size[0])
				}
				p.legible(v.name)
				p.keep(filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", v.name, size[0], theme)), whole)
			}
		}
	}
	t.Log("Chinese, and the size of a projector")
	p.scheme("light")
	p.do(chromedp.EmulateViewport(1280, 900))
	p.press("#language")
	p.press("#size")
	for _, v := range views {
		p.route(v.route)
		p.wait(v.name+" is there", v.ready)
		if wide := eval[int64](p, `document.documentElement.scrollWidth`); wide > 1280 {
			t.Errorf("%s in large type is %d pixels wide", v.name, wide)
		}
		p.keep(filepath.Join(dir, v.name+"-zh-large.png"), whole)
	}
}
