package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

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
