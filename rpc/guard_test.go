package rpc

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"kuai/chain/canonical"
)

func TestHostMustBeOneThatDNSCannotBring(t *testing.T) {
	n := start(t, Config{Hosts: []string{"Node.Example.org", "second.test:7600", "http://third.test:5000/", "bücher.test.", "not one"}})
	const never, exposed, always = 0, 1, 2
	for host, when := range map[string]int{
		"localhost": always, "localhost:5000": always, "LOCALHOST:5000": always, "localhost.": always, "localhost.:5000": always, "": always,
		"127.0.0.1:5000": always, "192.168.0.5": always, "[::1]:5000": always, "[::1]": always, "[fe80::1%25eth0]:5000": always, "127.0.0.1.": always,
		"127.1": always, "127.1:5000": always, "0x7f.1": always, "2130706433": always, "0177.0.0.1": always, "127.0.1": always, "0": always,
		"node.example.org": always, "node.example.org:80": always, "NODE.example.org.:80": always, "second.test": always, "third.test:1": always,
		"xn--bcher-kva.test": always, "bücher.test:5000": always,
		"kuai-1": exposed, "node_2:5000": exposed, "node1.": exposed, "0x": exposed, "4294967296": exposed, "09": exposed,
		"example.com": never, "evil.localhost:5000": never, "127.0.0.1.nip.io:5000": never, "sub.node.example.org": never, "node..": never,
		"a'b": never, "[::1": never, "127.0.0.1:5000:80": never, ":5000": never, ".": never, "not one": never, "1.2.3.4.5": never, "256.1": never, "1..1": never,
	} {
		for _, open := range []bool{false, true} {
			n.exposed.Store(open)
			w := n.do("GET", "/healthz", "", "Host: "+host)
			ok := when == always || when == exposed && open
			if got := w.Code == 200; got != ok {
				t.Errorf("Host %q, reachable by others %v: %d", host, open, w.Code)
			}
			if !ok && (w.Code != 403 || len(host) > 1 && strings.Contains(w.Body.String(), host)) {
				t.Errorf("Host %q: %d %s", host, w.Code, w.Body)
			}
		}
	}
}

func TestAllowHostHasOneMeaning(t *testing.T) {
	long := strings.Repeat("a", maxLabel)
	for entry, host := range map[string]string{
		"node.test": "node.test", "NODE.Test": "node.test", "node.test.": "node.test", "node.test:7600": "node.test", "http://node.test:7600/": "node.test",
		"https://node.test": "node.test", "HTTP://node.test.": "node.test", "node.test/": "node.test", "node": "node", "node:5000": "node", "my_node.test": "my_node.test",
		"bücher.test": "xn--bcher-kva.test", "http://节点.测试:5000/": "xn--3px729a.xn--0zwm56d", "xn--bcher-kva.test": "xn--bcher-kva.test",
		"10.0.0.1:5000": "10.0.0.1", "127.1": "127.0.0.1", "[::1]:5000": "::1", "::1": "::1", "fe80::1%eth0": "fe80::1%eth0", long + ".test": long + ".test",
		"": "", " ": "", "node.test ": "", " node.test": "", "a b.test": "", "a\tb": "", "*": "", "*.node.test": "", "node.*": "", ".node.test": "", "node..test": "",
		"node.test..": "", "node.test/path": "", "http://node.test/path": "", "node.test?x": "", "node.test#x": "", "user@node.test": "", "ftp://node.test": "",
		"node.test:": "", "node.test:x": "", "node.test:0": "", "node.test:65536": "", "://": "", "http://": "", "/": "", "node,other": "", "a'b": "", "[::1": "",
		"节 点.test": "", "节\u3000点": "", long + "a.test": "", strings.Repeat("a.", 128): "",
	} {
		got, err := ParseAllowHost(entry)
		if got != host || (err == nil) != (host != "") {
			t.Errorf("%q is %q, %v; expected %q", entry, got, err, host)
		}
		if err != nil && len(entry) > 1 && len(entry) < 40 && !strings.Contains(err.Error(), canonical.Quote(entry)) {
			t.Errorf("%q: the error does not name it: %v", entry, err)
		}
	}
}

// TestPlainNamesNeedAnOpenListener: the listeners decide whether a name without a dot passes.
func TestPlainNamesNeedAnOpenListener(t *testing.T) {
	for addr, code := range map[string]string{"127.0.0.1:0": "403", "0.0.0.0:0": "200"} {
		ln, err := net.Listen("tcp4", addr)
		if err != nil {
			t.Fatal(err)
		}
		serveAt(t, start(t, Config{}), ln)
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		if line := request(t, dial(t, "127.0.0.1:"+port), "GET /healthz HTTP/1.1\r\nHost: node1\r\n\r\n"); !strings.Contains(line, code) {
			t.Errorf("bound to %s: %s, expected %s", addr, line, code)
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
		if count, _ := n.chain.PoolSize(); n.chain.Tip().Index != 1 || count != 0 || len(n.net.Registered()) != 0 {
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
		for _, header := range []string{"", "Authorization: Bearer wrong", "Authorization: secret", "Authorization: Bearer ", "Authorization: Bearer secret2", "Authorization: Bearersecret", "Authorization: Basic secret", "Authorization: bearer\tsecret"} {
			w := n.do(c.method, c.path, c.body, header)
			if w.Code != 401 || w.Header().Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s %s with %q: %d", c.method, c.path, header, w.Code)
			}
		}
		for _, header := range []string{"Bearer secret", "bearer secret", "BEARER secret", "Bearer   secret", "bEaReR secret  "} {
			if w := n.do(c.method, c.path, c.body, "Authorization: "+header); w.Code == 401 {
				t.Errorf("%s %s with %q: %d", c.method, c.path, header, w.Code)
			}
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
	for _, path := range []string{"/", "/chain", "/nope", "/blocks/x", "/web/main.js"} {
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
