package rpc

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

// methodsOf is the contract: every path and what it answers.
var methodsOf = map[string]string{
	"/mine": "GET, HEAD, OPTIONS, POST", "/transactions/new": "OPTIONS, POST", "/chain": "GET, HEAD, OPTIONS",
	"/nodes/register": "OPTIONS, POST", "/nodes/resolve": "GET, HEAD, OPTIONS", "/node": "GET, HEAD, OPTIONS",
	"/peers": "GET, HEAD, OPTIONS", "/peers/x": "DELETE, OPTIONS", "/blocks": "GET, HEAD, OPTIONS, POST", "/blocks/1": "GET, HEAD, OPTIONS",
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
		for _, path := range []string{"/nope", "/mine/", "/chain/1", "/Mine", "/metrics", "/web/", "/web/doc.go",
			"//mine/", "/mine//", "/./mine", "/../mine", "/blocks/", "/blocks//", "/blocks/1/", "/blocks/1/2", "/addresses/a/b", "/addresses%2Fa"} {
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
	n := start(t, Config{Metrics: http.HandlerFunc(icon)})
	if w := n.do("GET", "/metrics", ""); w.Code != 200 || w.Body.Len() == 0 {
		t.Errorf("%d", w.Code)
	}
}

// TestDoubledSlashesAreOne: a base URL that ends in a slash makes them, and a redirect would lose the payment.
func TestDoubledSlashesAreOne(t *testing.T) {
	for _, path := range []string{"//transactions/new", "/transactions//new", "///transactions///new", "/transactions%2Fnew", "/%2Ftransactions/new", "/%74ransactions/new"} {
		n := start(t, Config{})
		want(t, n.do("POST", path, payment), 201, `{"message":"Transaction will be added to Block 2"}`+"\n")
		if count, _ := n.chain.PoolSize(); count != 1 {
			t.Errorf("%s: %d payments are pending", path, count)
		}
	}
	n := start(t, Config{})
	for path, allow := range methodsOf {
		for _, doubled := range []string{"/" + path, strings.ReplaceAll(path, "/", "//")} {
			w := n.do("OPTIONS", doubled, "")
			want(t, w, 200, "")
			if got := w.Header().Get("Allow"); got != allow {
				t.Errorf("OPTIONS %s: Allow is %q, expected %q", doubled, got, allow)
			}
			want(t, n.do("PATCH", doubled, ""), 405, pageMethod)
		}
	}
	for _, path := range []string{"/chain", "/node", "/blocks/1", "/mining/work", "/addresses/bob", "/", "/web/main.js"} {
		for _, method := range []string{"GET", "HEAD"} {
			once, doubled := n.do(method, path, ""), n.do(method, strings.ReplaceAll(path, "/", "//"), "")
			want(t, doubled, once.Code, once.Body.String())
		}
	}
	for _, path := range []string{"//mine", "//nodes//resolve"} {
		want(t, n.do("HEAD", path, ""), 200, "")
	}
	n = start(t, Config{Token: "secret"})
	if w := n.do("POST", "//transactions/new", payment); w.Code != 401 {
		t.Errorf("doubled slashes lead past the token: %d", w.Code)
	}
}
