package rpc

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAnOriginHasOneMeaning(t *testing.T) {
	for entry, origin := range map[string]string{
		"http://localhost:3000": "http://localhost:3000", "HTTP://LocalHost:3000/": "http://localhost:3000", "https://app.test": "https://app.test",
		"https://app.test:443": "https://app.test", "http://app.test:80": "http://app.test", "http://app.test:443": "http://app.test:443", "http://127.0.0.1:3000": "http://127.0.0.1:3000",
		"http://[::1]:3000": "http://[::1]:3000", "http://[::1]": "http://[::1]", "http://节点.测试:3000": "http://xn--3px729a.xn--0zwm56d:3000",
		"": "", "*": "", "null": "", "localhost:3000": "", "localhost": "", "http://*.test": "", "http://*": "", "http://app.test/path": "", "http://app.test?x": "", "ftp://app.test": "",
		"http://user@app.test": "", "http://app.test:0": "", "http://": "", "http:// app.test": "", "http://a.test,http://b.test": "",
	} {
		got, err := ParseOrigin(entry)
		if got != origin || (err == nil) != (origin != "") {
			t.Errorf("%q is %q, %v; expected %q", entry, got, err, origin)
		}
	}
}

// front is the origin of a page that may use the API.
const front = "http://localhost:3000"

func preflight(n *node, path, method, origin string) *httptest.ResponseRecorder {
	return n.do("OPTIONS", path, "", "Origin: "+origin, "Access-Control-Request-Method: "+method, "Access-Control-Request-Headers: content-type", "Sec-Fetch-Site: same-site")
}

// TestAConfiguredOriginMayAsk: a page of that origin reads and changes, after a preflight where a browser wants one.
func TestAConfiguredOriginMayAsk(t *testing.T) {
	n := start(t, Config{Origins: []string{"HTTP://localhost:3000/", "https://second.test"}})
	for _, origin := range []string{front, "https://second.test"} {
		w := preflight(n, "/transactions/new", "POST", origin)
		if w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Allow-Origin") != origin || w.Header().Get("Access-Control-Allow-Methods") != "POST" ||
			w.Header().Get("Access-Control-Allow-Headers") != "content-type" || !strings.Contains(w.Header().Get("Vary"), "Origin") {
			t.Errorf("preflight of %s: %d %v", origin, w.Code, w.Header())
		}
		for _, c := range append(changes, struct{ method, path, body string }{"GET", "/chain", ""}) {
			w := n.do(c.method, c.path, c.body, "Origin: "+origin, "Sec-Fetch-Site: same-site")
			h := w.Header()
			if w.Code == http.StatusForbidden || h.Get("Access-Control-Allow-Origin") != origin || h.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(h.Get("Vary"), "Origin") {
				t.Errorf("%s %s of %s: %d %v", c.method, c.path, origin, w.Code, h)
			}
		}
	}
	if got := n.do("GET", "/chain", "", "Origin: "+front).Header().Get("Access-Control-Expose-Headers"); !strings.Contains(strings.ToLower(got), "etag") {
		t.Errorf("exposed: %q", got)
	}
}

// TestOtherOriginsStayOut: beside a configured origin, others are refused as before, and are told nothing.
func TestOtherOriginsStayOut(t *testing.T) {
	n := start(t, Config{Origins: []string{front, "not one", "*"}})
	others := []string{"https://localhost:3000", "http://localhost:3001", "http://localhost", "http://localhost:3000.evil.example", "https://evil.example", "null", "http://localhost:30000"}
	for _, origin := range others {
		if got := preflight(n, "/mine", "POST", origin).Header().Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("preflight of %s allows %q", origin, got)
		}
		for _, c := range changes {
			if w := n.do(c.method, c.path, c.body, "Origin: "+origin, "Sec-Fetch-Site: cross-site"); w.Code != http.StatusForbidden || w.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %s of %s: %d %v", c.method, c.path, origin, w.Code, w.Header())
			}
		}
	}
	if n.chain.Tip().Index != 1 {
		t.Error("a page of another origin mined")
	}
	// A page of the origin that leads its user to GET /mine sends no Origin: the page itself does not ask.
	if w := n.do("GET", "/mine", "", "Sec-Fetch-Site: cross-site", "Referer: "+front+"/"); w.Code != http.StatusForbidden {
		t.Errorf("a link: %d", w.Code)
	}
	if w := n.do("GET", "/mine", "", "Origin: "+front, "Sec-Fetch-Site: same-site", "Sec-Purpose: prefetch"); w.Code != http.StatusForbidden {
		t.Errorf("a prefetch: %d", w.Code)
	}
	if w := n.do("GET", "/chain", "", "Origin: "+front, "Host: evil.example"); w.Code != http.StatusForbidden || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another host: %d %v", w.Code, w.Header())
	}
}

// TestATokenForAll is asked for by every path, whatever its method; a preflight has none to show.
func TestATokenForAll(t *testing.T) {
	n := start(t, Config{Token: "secret", TokenFor: TokenForAll, Origins: []string{front}})
	basic := func(user, password string) string {
		r := httptest.NewRequest("GET", "/", nil)
		r.SetBasicAuth(user, password)
		return "Authorization: " + r.Header.Get("Authorization")
	}
	for path, allow := range methodsOf {
		for method := range strings.SplitSeq(allow, ", ") {
			if path == "/events" && method == "GET" {
				continue // it does not end
			}
			for header, code := range map[string]int{
				"": 401, "Authorization: Bearer wrong": 401, basic("kuai", "wrong"): 401, basic("secret", ""): 401, "Authorization: Basic secret": 401,
				"Authorization: Bearer secret": 0, basic("kuai", "secret"): 0, basic("", "secret"): 0,
			} {
				w := n.do(method, path, "{}", header)
				if (w.Code == 401) != (code == 401) || code == 401 && len(w.Header()["Www-Authenticate"]) != 2 {
					t.Errorf("%s %s with %q: %d %v", method, path, header, w.Code, w.Header())
				}
			}
		}
	}
	if w := preflight(n, "/chain", "GET", front); w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Allow-Origin") != front {
		t.Errorf("preflight: %d %v", w.Code, w.Header())
	}
	if w := n.do("GET", "/nope", ""); w.Code != 401 {
		t.Errorf("an unknown path: %d", w.Code)
	}
}
