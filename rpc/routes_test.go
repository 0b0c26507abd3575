package rpc

import (
	"context"
	"strings"
	"testing"
)

// methodsOf is the contract: every path and what it answers.
var methodsOf = map[string]string{
	"/mine": "GET, HEAD, OPTIONS, POST", "/transactions/new": "OPTIONS, POST", "/chain": "GET, HEAD, OPTIONS",
	"/nodes/register": "OPTIONS, POST", "/nodes/resolve": "GET, HEAD, OPTIONS", "/node": "GET, HEAD, OPTIONS",
	"/peers": "GET, HEAD, OPTIONS", "/peers/x": "DELETE, OPTIONS", "/blocks": "GET, HEAD, OPTIONS", "/blocks/1": "GET, HEAD, OPTIONS",
	"/transactions/pending": "GET, HEAD, OPTIONS", "/transactions/x": "GET, HEAD, OPTIONS", "/forks": "GET, HEAD, OPTIONS",
	"/mining": "GET, HEAD, OPTIONS, POST", "/mining/work": "GET, HEAD, OPTIONS", "/mining/submit": "OPTIONS, POST",
	"/events": "GET, HEAD, OPTIONS", "/healthz": "GET, HEAD, OPTIONS", "/readyz": "GET, HEAD, OPTIONS", "/": "GET, HEAD, OPTIONS",
}

func TestEveryPathRefusesOtherMethodsAsFlask(t *testing.T) {
	n := start(t, Config{})
	for path, allow := range methodsOf {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "FOO"} {
			if strings.Contains(", "+allow+",", ", "+method+",") {
				continue
			}
			w := n.do(method, path, "")
			want(t, w, 405, pageMethod)
			if got := w.Header().Get("Allow"); got != allow {
				t.Errorf("%s %s: Allow is %q, expected %q", method, path, got, allow)
			}
		}
		w := n.do("OPTIONS", path, "")
		want(t, w, 200, "")
		if got := w.Header().Get("Allow"); got != allow || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("OPTIONS %s: Allow is %q", path, got)
		}
	}
}

func TestUnknownPathsAreFlasks404(t *testing.T) {
	n := start(t, Config{})
	for _, method := range []string{"GET", "POST", "OPTIONS", "DELETE", "FOO"} {
		for _, path := range []string{"/nope", "/mine/", "/chain/1", "/Mine", "/metrics", "/web/", "/web/doc.go"} {
			w := n.do(method, path, "")
			want(t, w, 404, pageNotFound)
			if got := w.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
				t.Errorf("%s %s: Content-Type is %q", method, path, got)
			}
		}
	}
}

func TestHeadChangesNothing(t *testing.T) {
	n := start(t, Config{})
	n.net.sync = func(context.Context) error { t.Error("HEAD synced"); return nil }
	for _, path := range []string{"/mine", "/nodes/resolve"} {
		w := n.do("HEAD", path, "")
		want(t, w, 200, "")
		if got := w.Header().Get("Content-Type"); got != "application/json" {
			t.Errorf("%s: Content-Type is %q", path, got)
		}
	}
	if n.chain.Tip().Index != 1 {
		t.Error("HEAD /mine mined")
	}
}

func TestProblemsAreJSONWhereAskedFor(t *testing.T) {
	n := start(t, Config{})
	for _, accept := range []string{"application/json", "application/problem+json", "text/html, application/json;q=0.5", "APPLICATION/JSON"} {
		w := n.do("POST", "/transactions/new", `{"sender":"a"}`, "Accept: "+accept)
		v := decode(t, w, 400)
		if w.Header().Get("Content-Type") != "application/problem+json" || v["title"] != "missing values" || !strings.Contains(v["detail"].(string), "recipient, amount") || v["hint"] == "" || v["status"] != 400.0 {
			t.Errorf("Accept: %s: %s", accept, w.Body)
		}
	}
	for _, accept := range []string{"", "*/*", "text/html", "application/json;q=0", "application/*"} {
		want(t, n.do("POST", "/transactions/new", `{"sender":"a"}`, "Accept: "+accept), 400, "Missing values")
	}
	for path, status := range map[string]int{"/nope": 404, "/blocks/99": 404, "/blocks/x": 400} {
		decode(t, n.do("GET", path, "", "Accept: application/json"), status)
	}
	decode(t, n.do("PUT", "/chain", "", "Accept: application/json"), 405)
}

func TestMetricsAreTheCallers(t *testing.T) {
	n := start(t, Config{Metrics: page("mark.svg")})
	if w := n.do("GET", "/metrics", ""); w.Code != 200 || w.Body.Len() == 0 {
		t.Errorf("%d", w.Code)
	}
}
