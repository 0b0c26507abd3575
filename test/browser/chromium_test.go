package browser

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// look is the time between two looks at the page, in which the page works on.
const look = 50 * time.Millisecond

// chromium is the browser of all tests, once one of them has asked for it. Each test has a node, and with it an origin, of its own: a
// port that an earlier test had is one of which the browser knows nothing any more.
var chromium struct {
	once sync.Once
	ctx  context.Context // nil: there is no browser
	err  error
}

// needChromium returns the browser. It skips the test where there is none.
func needChromium(t testing.TB) context.Context {
	t.Helper()
	chromium.once.Do(startChromium)
	if err := chromium.err; errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") == "" {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	return chromium.ctx
}

// startChromium starts a browser that knows nothing yet and reaches nothing but this machine's loopback.
func startChromium() {
	program := findChromium()
	if program == "" {
		chromium.err = fmt.Errorf("Chromium shows the page in these tests: %w: install Debian's chromium and fonts-noto-cjk", exec.ErrNotFound)
		return
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, // root and containers have neither sandbox nor graphics
		chromedp.WSURLReadTimeout(settle),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	}
	for _, name := range []string{
		"disable-dev-shm-usage", "disable-quic", "disable-extensions", "disable-background-networking", "disable-component-update", "disable-sync",
	} {
		options = append(options, chromedp.Flag(name, true))
	}
	alloc, _ := chromedp.NewExecAllocator(context.Background(), options...)
	browser, _ := chromedp.NewContext(alloc) // stopChromium ends both
	chromium.ctx = browser                   //nolint:fatcontext // set once
	if err := chromedp.Do(chromium.ctx); err != nil {
		chromium.err = fmt.Errorf("start %s: %w", program, err)
	}
}

func findChromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// stopChromium ends the browser and removes its profile.
func stopChromium() {
	if chromium.ctx != nil {
		_ = chromedp.Cancel(chromium.ctx)
	}
}

// tab is a page of the browser that shows a node.
type tab struct {
	t    testing.TB
	ctx  context.Context
	node *node

	mu        sync.Mutex
	refusals  bool     // answers other than 200 are part of the test's story
	complains []string // what the browser complained about
}

// openTab opens the node's page, in a window that is so many CSS pixels wide and high, once before was done.
func openTab(t testing.TB, n *node, width, height int64, before ...chromedp.Action[chromedp.Void]) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(needChromium(t))
	t.Cleanup(cancel)
	p := &tab{t: t, ctx: ctx, node: n}
	if err := chromedp.Do(ctx); err != nil { // its time is not limited: the tab would end with it
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, p.hear); err != nil {
		t.Fatal(err)
	}
	call(p, network.Enable, network.EnableParams{})
	call(p, log.Enable, cdp.Empty{})
	p.do(chromedp.EmulateViewport(width, height))
	p.do(before...)
	n.shown.Do(func() {
		call(p, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{Origin: n.url(), StorageTypes: "all"})
	})
	p.do(chromedp.Navigate(n.url() + "/"))
	t.Cleanup(p.check)
	return p
}

// close ends the tab as its user would.
func (p *tab) close() {
	p.t.Helper()
	call(p, page.Close, cdp.Empty{})
}

// call runs a command of the browser's protocol in the tab.
func call[P, R any](p *tab, command cdp.Command[P, R], params P) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, command, params); err != nil {
		p.t.Fatal(err)
	}
}

// hear keeps what the browser complains about.
func (p *tab) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		d := e.ExceptionDetails
		text := d.Text
		if d.Exception != nil {
			text += " " + d.Exception.Description
		}
		p.complains = append(p.complains, fmt.Sprintf("exception: %s, %s line %d", text, d.URL, d.LineNumber+1))
	case *runtime.EventConsoleAPICalled:
		p.complains = append(p.complains, fmt.Sprintf("console: %s, %d arguments", e.Type, len(e.Args)))
	case *log.EventEntryAdded:
		if e.Entry.Source != log.EntrySourceNetwork || !p.refusals {
			p.complains = append(p.complains, fmt.Sprintf("log: %s %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *page.EventJavascriptDialogOpening:
		p.complains = append(p.complains, "dialog: "+e.Message)
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, p.node.url()+"/") {
			p.complains = append(p.complains, "request to "+e.Request.URL)
		}
	case *network.EventResponseReceived:
		if e.Response.Status >= http.StatusBadRequest && !p.refusals {
			p.complains = append(p.complains, fmt.Sprintf("answer %d to %s", e.Response.Status, e.Response.URL))
		}
	}
}

// expectRefusals lets the node refuse requests, or be away, without that being a fault.
func (p *tab) expectRefusals() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusals = true
}

// check fails the test when the browser has complained, and keeps a picture of a page that failed where KUAI_PICTURES says.
func (p *tab) check() {
	p.mu.Lock()
	for _, c := range p.complains {
		p.t.Errorf("%s: %s", p.node.url(), c)
	}
	p.mu.Unlock()
	if p.t.Failed() {
		p.picture("failed")
	}
}

// picture writes what the tab shows into the folder that KUAI_PICTURES names.
func (p *tab) picture(name string) {
	dir := os.Getenv("KUAI_PICTURES")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Logf("picture %s: %v", name, err)
		return
	}
	file := filepath.Join(dir, strings.ReplaceAll(p.t.Name(), "/", "-")+"-"+name+".png")
	if err := os.WriteFile(file, png, 0o600); err != nil {
		p.t.Log(err)
	}
}

// do runs actions in the tab.
func (p *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, settle)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// eval returns the value of a JavaScript expression.
func eval[T any](p *tab, script string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, settle)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	if err != nil {
		p.t.Fatalf("%s: %v", script, err)
	}
	return value
}

// run runs a script in the page.
func (p *tab) run(script string) {
	p.t.Helper()
	eval[chromedp.Void](p, script)
}

// wait waits until a JavaScript expression is true.
func (p *tab) wait(what, script string) {
	p.t.Helper()
	err := chromedp.Do(p.ctx, chromedp.Poll[chromedp.Void](script, chromedp.WithPollingInterval(look), chromedp.WithPollingTimeout(settle)))
	if errors.Is(err, chromedp.ErrPollingTimeout) {
		p.t.Fatalf("%s: never %s\n%s", what, script, eval[string](p, `document.body.innerText`))
	}
	if err != nil {
		p.t.Fatalf("%s: %s: %v", what, script, err)
	}
}

// shows waits until an element's text contains what is given.
func (p *tab) shows(id, text string) {
	p.t.Helper()
	p.wait("#"+id+" shows "+text, fmt.Sprintf(`document.getElementById(%q).textContent.includes(%q)`, id, text))
}

// isEmpty waits until an element has no text.
func (p *tab) isEmpty(id string) {
	p.t.Helper()
	p.wait("#"+id+" is empty", fmt.Sprintf(`document.getElementById(%q).textContent === ""`, id))
}

// fill writes into a field of a form.
func (p *tab) fill(selector, text string) {
	p.t.Helper()
	p.do(chromedp.SetValue(chromedp.CSS(selector), text))
}

// press presses a form's button by the keyboard, as the focus then is where the user is.
func (p *tab) press(selector string) {
	p.t.Helper()
	p.wait("there is "+selector, fmt.Sprintf(`document.querySelector(%q)?.focus(), document.activeElement?.matches(%q)`, selector, selector)) // at once: the page may draw it anew
	p.do(chromedp.KeyEvent("\r"))
}

// focused waits until nothing is under way any more and an element has the focus.
func (p *tab) focused(selector string) {
	p.t.Helper()
	p.wait("nothing is under way", `!document.querySelector("[aria-disabled]")`)
	p.wait("the focus is on "+selector, fmt.Sprintf(`document.activeElement === document.querySelector(%q)`, selector))
}

// says waits until the answer beside a form contains a text.
func (p *tab) says(form, text string) {
	p.t.Helper()
	p.wait("the answer of #"+form+" contains "+text, fmt.Sprintf(`document.querySelector("#%s .answer").textContent.includes(%q)`, form, text))
}

// route follows a link of the page.
func (p *tab) route(hash string) {
	p.t.Helper()
	p.run(fmt.Sprintf(`location.hash = %q`, hash))
}

// keep writes a picture of the whole page, or of the window.
func (p *tab) keep(file string, whole bool) {
	p.t.Helper()
	take := chromedp.CaptureScreenshot()
	if whole {
		take = chromedp.FullScreenshot(100)
	}
	png, err := chromedp.Run(p.ctx, take)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// scheme makes the system's colours light or dark.
func (p *tab) scheme(name string) {
	p.t.Helper()
	media := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: media})
}

// still makes the system ask for no motion.
func (p *tab) still() {
	p.t.Helper()
	media := []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: media})
}
