package rpc

import (
	"regexp"
	"strings"
	"testing"
)

func TestPageGreetsAndLoadsOnlyWhatIsServed(t *testing.T) {
	n := start(t, Config{})
	w := n.do("GET", "/", "")
	html := w.Body.String()
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(html, "您好,欢迎来到我的虚拟货币交易所!") {
		t.Fatalf("%d %q", w.Code, html)
	}
	links := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(html, -1)
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

func TestPageScriptFindsItsElements(t *testing.T) {
	n := start(t, Config{})
	html, script := n.do("GET", "/", "").Body.String(), n.do("GET", "/web/page.js", "").Body.String()
	if strings.Contains(script, "innerHTML") {
		t.Error("text from the chain must not become HTML")
	}
	ids := regexp.MustCompile(`(?:at|on|fill)\("([a-z]+)"`).FindAllStringSubmatch(script, -1)
	if len(ids) < 10 {
		t.Errorf("ids: %q", ids)
	}
	for _, id := range ids {
		if !strings.Contains(html, `id="`+id[1]+`"`) {
			t.Errorf("the script asks for %q, which the page lacks", id[1])
		}
	}
}
