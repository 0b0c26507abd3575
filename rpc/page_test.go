package rpc

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"kuai/chain/chaintest"
	"kuai/rpc/web"
)

func TestPageGreetsAndLoadsOnlyWhatIsServed(t *testing.T) {
	n := start(t, Config{})
	w := n.do("GET", "/", "")
	html := w.Body.String()
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(html, "您好,欢迎来到我的虚拟货币交易所!") {
		t.Fatalf("%d %q", w.Code, html)
	}
	links := regexp.MustCompile(`(?:src|href)="([^"#]+)"`).FindAllStringSubmatch(html, -1)
	if len(links) < 5 {
		t.Errorf("links: %q", links)
	}
	for _, link := range links {
		if w := n.do("GET", link[1], ""); w.Code != 200 {
			t.Errorf("%s: %d", link[1], w.Code)
		}
	}
}

func TestPageNeedsNothingInline(t *testing.T) {
	n := start(t, Config{})
	w := n.do("GET", "/", "")
	policy := w.Header().Get("Content-Security-Policy")
	if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "script-src 'self'") {
		t.Errorf("policy: %s", policy)
	}
	for _, inline := range []string{`<script>`, `<style`, ` style=`, `javascript:`} {
		if strings.Contains(w.Body.String(), inline) {
			t.Errorf("the page has %s, which its policy forbids", inline)
		}
	}
	if handler := regexp.MustCompile(` on[a-z]+=`).FindString(w.Body.String()); handler != "" {
		t.Errorf("the page has %s, which its policy forbids", handler)
	}
}

// TestPageScripts looks for what the scripts name: elements of the page, modules, texts.
func TestPageScripts(t *testing.T) {
	n := start(t, Config{})
	html := n.do("GET", "/", "").Body.String()
	ids := 0
	for name, file := range web.Files() {
		script := string(file.Body)
		if !strings.HasSuffix(name, ".js") {
			continue
		}
		if strings.Contains(script, "innerHTML") || strings.Contains(script, "insertAdjacentHTML") {
			t.Errorf("%s: text from the chain must not become HTML", name)
		}
		for _, id := range regexp.MustCompile(`\bat\("([a-z-]+)"\)`).FindAllStringSubmatch(script, -1) {
			ids++
			if !strings.Contains(html, `id="`+id[1]+`"`) {
				t.Errorf("%s asks for %q, which the page lacks", name, id[1])
			}
		}
		for _, module := range regexp.MustCompile(`from "(/web/[a-z0-9]+\.js)"`).FindAllStringSubmatch(script, -1) {
			if w := n.do("GET", module[1], ""); w.Code != 200 || w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
				t.Errorf("%s imports %s: %d", name, module[1], w.Code)
			}
		}
	}
	if ids < 30 {
		t.Errorf("%d ids", ids)
	}
}

// TestPageShowsTheChainAtOnce: the first paint has the newest blocks and the pending payments, without a script.
func TestPageShowsTheChainAtOnce(t *testing.T) {
	n := start(t, Config{})
	chaintest.MineOn(t, n.chain, pageBlocks+5)
	hostile := `</script><script>alert("1")</script>`
	n.do("POST", "/transactions/new", `{"sender": "</script><script>alert(\"1\")</script>", "recipient": "王小明", "amount": 5.0}`)
	html := n.do("GET", "/", "").Body.String()
	tip := n.chain.Tip()
	for _, shown := range []string{fmt.Sprintf("<b>%d</b>", tip.Index), "#/block/" + tip.Hash.String(), "王小明", ">5.0<"} {
		if !strings.Contains(html, shown) {
			t.Errorf("the page lacks %s", shown)
		}
	}
	if strings.Contains(html, hostile) {
		t.Error("a name became markup")
	}
	if got := strings.Count(html, `class="card" href="#/block/`); got != pageBlocks {
		t.Errorf("%d blocks, not %d", got, pageBlocks)
	}
}

func TestPageSpeaksTheBrowsersLanguage(t *testing.T) {
	n := start(t, Config{})
	for accept, lang := range map[string]string{"": "en", "zh-CN,zh;q=0.9,en;q=0.8": "zh-CN", "en-US,en;q=0.9,zh;q=0.8": "en", "fr, zh;q=0.5": "zh-CN"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = "127.0.0.1"
		r.Header.Set("Accept-Language", accept)
		w := httptest.NewRecorder()
		n.Handler().ServeHTTP(w, r)
		if html := w.Body.String(); !strings.Contains(html, `<html lang="`+lang+`">`) || strings.Contains(html, "区块链</a>") != (lang == "zh-CN") {
			t.Errorf("%q: %.60s", accept, html)
		}
	}
}

// TestPageIsSmall: the page and all its parts are less than 300 KiB.
func TestPageIsSmall(t *testing.T) {
	n := start(t, Config{})
	size := n.do("GET", "/", "").Body.Len()
	for _, file := range web.Files() {
		size += len(file.Body)
	}
	if size > 300<<10 {
		t.Errorf("%d bytes", size)
	}
	t.Logf("%d bytes", size)
}

// rewardsOnly are the keys of a node on a network that is not dev.
type rewardsOnly struct{ *fakeKeys }

func (rewardsOnly) Named(name string) (string, bool) {
	return chaintest.Account("carol"), name == "rewards"
}

// TestPageBeginsWithAPaymentThatCanSucceed: alice is known by name on the classic network and on dev alone.
func TestPageBeginsWithAPaymentThatCanSucceed(t *testing.T) {
	for _, c := range []struct {
		n            *node
		payer, payee string
	}{
		{start(t, Config{}), "alice", "bob"},
		{startSecure(t, Config{Keys: newFakeKeys()}), "alice", "bob"},
		{startSecure(t, Config{Keys: rewardsOnly{newFakeKeys()}}), "rewards", ""},
		{startSecure(t, Config{}), "", ""},
	} {
		html := c.n.do("GET", "/", "").Body.String()
		fields := regexp.MustCompile(`name="(?:sender|recipient)" required value="(\w*)"`).FindAllStringSubmatch(html, -1)
		if len(fields) != 2 || fields[0][1] != c.payer || fields[1][1] != c.payee {
			t.Errorf("the form has %q, want %q and %q", fields, c.payer, c.payee)
		}
		example := fmt.Sprintf(`\"sender\": \"%s\", \"recipient\": \"%s\"`, cmp.Or(c.payer, "ADDRESS"), cmp.Or(c.payee, "ADDRESS"))
		if said := c.n.do("POST", "/transactions/new", "{", "Accept: application/json").Body.String(); !strings.Contains(strings.ReplaceAll(said, `\\`, ``), example) {
			t.Errorf("the example of %s is not %s", said, example)
		}
	}
}
