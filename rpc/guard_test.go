package rpc

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

func TestHostMustBeOneThatDNSCannotBring(t *testing.T) {
	n := start(t, Config{Hosts: []string{"Node.Example.org"}})
	for host, ok := range map[string]bool{
		"localhost": true, "localhost:5000": true, "LOCALHOST:5000": true, "127.0.0.1:5000": true, "192.168.0.5": true, "[::1]:5000": true, "[::1]": true,
		"[fe80::1%25eth0]:5000": true, "kuai-1": true, "node_2:5000": true, "node.example.org": true, "node.example.org:80": true, "": true,
		"example.com": false, "evil.localhost:5000": false, "localhost.": false, "127.0.0.1.nip.io:5000": false, "sub.node.example.org": false,
		"a'b": false, "[::1": false, "127.0.0.1:5000:80": false, ":5000": false,
	} {
		w := n.do("GET", "/healthz", "", "Host: "+host)
		if got := w.Code == 200; got != ok {
			t.Errorf("Host %q: %d", host, w.Code)
		}
		if !ok && (w.Code != 403 || strings.Contains(w.Body.String(), host) && host != "") {
			t.Errorf("Host %q: %d %s", host, w.Code, w.Body)
		}
	}
}

// changes lists what changes state.
var changes = []struct{ method, path, body string }{
	{"GET", "/mine", ""}, {"POST", "/mine", ""}, {"POST", "/transactions/new", payment},
	{"POST", "/nodes/register", `{"nodes":["/ip4/127.0.0.1/tcp/1/p2p/x"]}`}, {"GET", "/nodes/resolve", ""}, {"DELETE", "/peers/x", ""},
}

func TestChangesRefuseOtherSitesPages(t *testing.T) {
	foreign := []string{
		"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Sec-Fetch-Site: nonsense", "Origin: https://evil.example", "Origin: null",
		"Origin: http://localhost:5001", "Origin: http://localhost.evil.example:5000", "Referer: https://evil.example/page", "Referer: ::", "Sec-Purpose: prefetch;prerender",
		"Purpose: prefetch", "X-Moz: prefetch", "X-Purpose: preview",
	}
	own := []string{"", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none", "Origin: http://localhost:5000", "Referer: http://localhost:5000/", "User-Agent: PostmanRuntime/7.0"}
	for _, c := range changes {
		n := start(t, Config{})
		n.net.sync = func(context.Context) error { t.Errorf("%s %s synced for a foreign page", c.method, c.path); return nil }
		for _, header := range foreign {
			if w := n.do(c.method, c.path, c.body, header); w.Code != 403 {
				t.Errorf("%s %s with %s: %d", c.method, c.path, header, w.Code)
			}
		}
		if count, _ := n.chain.PoolSize(); n.chain.Tip().Index != 1 || count != 0 || len(n.net.Connected()) != 0 {
			t.Errorf("%s %s changed the node for a foreign page", c.method, c.path)
		}
		n.net.sync = nil
		for _, header := range own {
			if w := n.do(c.method, c.path, c.body, header); w.Code == 403 {
				t.Errorf("%s %s with %q: %d", c.method, c.path, header, w.Code)
			}
		}
	}
}

func TestSecFetchSiteGoesBeforeOrigin(t *testing.T) {
	n := start(t, Config{})
	if w := n.do("POST", "/transactions/new", payment, "Sec-Fetch-Site: same-origin", "Origin: http://other.example"); w.Code != 201 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestReadingIsOpenToOtherSites(t *testing.T) {
	n := start(t, Config{Token: "secret"})
	for _, path := range []string{"/chain", "/node", "/blocks", "/", "/healthz"} {
		w := n.do("GET", path, "", "Sec-Fetch-Site: cross-site", "Origin: https://evil.example")
		if w.Code != 200 || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d, CORS %q", path, w.Code, w.Header().Get("Access-Control-Allow-Origin"))
		}
	}
}

func TestTokenIsAskedForByWhatChanges(t *testing.T) {
	for _, c := range changes {
		n := start(t, Config{Token: "secret"})
		for _, header := range []string{"", "Authorization: Bearer wrong", "Authorization: secret", "Authorization: Bearer ", "Authorization: Bearer secret2"} {
			w := n.do(c.method, c.path, c.body, header)
			if w.Code != 401 || w.Header().Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s %s with %q: %d", c.method, c.path, header, w.Code)
			}
		}
		if w := n.do(c.method, c.path, c.body, "Authorization: Bearer secret"); w.Code == 401 {
			t.Errorf("%s %s with the token: %d", c.method, c.path, w.Code)
		}
	}
}

func TestBodyOverTheLimitIs413(t *testing.T) {
	n := start(t, Config{})
	url := listen(t, n.Handler())
	for _, size := range []int{MaxBodyBytes + 1, 10 << 20} {
		body := payment + strings.Repeat(" ", size-len(payment))
		for name, r := range map[string]io.Reader{"length known": strings.NewReader(body), "chunked": struct{ io.Reader }{strings.NewReader(body)}} {
			res, err := http.Post(url+"/transactions/new", "application/json", r)
			if err != nil {
				t.Fatalf("%s, %d bytes: %v", name, size, err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("%s, %d bytes: %d", name, size, res.StatusCode)
			}
		}
	}
	if w := n.do("POST", "/transactions/new", payment+strings.Repeat(" ", MaxBodyBytes-len(payment))); w.Code != 201 {
		t.Errorf("a body of exactly the limit: %d", w.Code)
	}
}

func TestEveryAnswerForbidsSniffing(t *testing.T) {
	n := start(t, Config{})
	for _, path := range []string{"/", "/chain", "/nope", "/blocks/x", "/web/page.js"} {
		h := n.do("GET", path, "").Header()
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("%s: %v", path, h)
		}
		if strings.HasPrefix(h.Get("Content-Type"), "text/html") && !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s is HTML without a policy", path)
		}
	}
}

// lines is a log that is read line by line.
type lines chan string

func (l lines) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

func TestPanicIsLoggedAndCutsTheConnection(t *testing.T) {
	logged := make(lines, 1)
	n := start(t, Config{Metrics: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("broken invariant") })})
	n.Server.log = slog.New(slog.NewTextHandler(logged, nil))
	if res, err := http.Get(listen(t, n.Handler()) + "/metrics"); err == nil {
		res.Body.Close()
		t.Errorf("status %d", res.StatusCode)
	}
	if line := <-logged; !strings.Contains(line, "broken invariant") {
		t.Errorf("log: %s", line)
	}
}
