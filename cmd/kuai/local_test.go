package main

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// standIn listens at the address and answers /healthz as a node does.
func standIn(t *testing.T, address string) (api string, port int) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { //nolint:gosec // nobody else asks
		_, _ = w.Write([]byte("{}"))
	})}}
	s.Start()
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err = strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return s.URL, port
}

// keepNode writes the node file of a node at the URLs.
func keepNode(t *testing.T, dir string, urls ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := (nodeFile{API: urls}).write(dir); err != nil {
		t.Fatal(err)
	}
}

func TestLocalNodeIsFound(t *testing.T) {
	other, port := standIn(t, "127.0.0.2:0") // not where the port alone leads to
	second, _ := standIn(t, "127.0.0.1:0")
	stale, stalePort := "http://127.0.0.2:1", 1
	usual := func(port int) string { return "http://127.0.0.1:" + strconv.Itoa(port) }
	for _, c := range []struct {
		name  string
		asked asking
		given bool                // the port
		nodes map[string][]string // by directory: in the data home, or "/d" for --data-dir
		want  string              // the URL, or what the error says
	}{
		{"nothing known", asking{port: stalePort}, false, nil, usual(1)},
		{"its directory by port, another host", asking{port: port}, true, map[string][]string{"classic/" + strconv.Itoa(port): {other}}, other},
		{"of another network", asking{port: port}, false, map[string][]string{"0123-1/" + strconv.Itoa(port): {other}}, other},
		{"any port", asking{port: 0}, true, map[string][]string{"classic/0": {other}}, other},
		{"data directory", asking{port: stalePort, dataDir: "/d"}, false, map[string][]string{"/d": {other}}, other},
		{"data directory and its port", asking{port: port, dataDir: "/d"}, true, map[string][]string{"/d": {other}}, other},
		{"data directory, and a port that is not its node's", asking{port: 1, dataDir: "/d"}, true, map[string][]string{"/d": {other}}, usual(1)},
		{"data directory of no node", asking{port: 1, dataDir: "/d"}, false, map[string][]string{"classic/1": {other}}, usual(1)},
		{"second URL of a node", asking{port: port}, false, map[string][]string{"classic/" + strconv.Itoa(port): {stale, other}}, other},
		{"killed", asking{port: stalePort}, false, map[string][]string{"classic/1": {stale}}, usual(1)},
		{"the only one, on another port", asking{port: stalePort}, false, map[string][]string{"classic/1": {stale}, "classic/7": {other}}, other},
		{"the only one, and the port was given", asking{port: stalePort}, true, map[string][]string{"classic/7": {other}}, usual(1)},
		{"two, on other ports", asking{port: stalePort}, false, map[string][]string{"classic/7": {other}, "classic/8": {second}}, other + ", " + second},
		{"port beyond", asking{port: maxPort + 1}, true, nil, "0..65535"},
	} {
		t.Run(c.name, func(t *testing.T) {
			home, dir := t.TempDir(), t.TempDir()
			t.Setenv("XDG_DATA_HOME", home)
			for name, urls := range c.nodes {
				if name == "/d" {
					keepNode(t, dir, urls...)
				} else {
					keepNode(t, filepath.Join(home, "kuai", name), urls...)
				}
			}
			if c.asked.dataDir != "" {
				c.asked.dataDir = dir
			}
			got, err := c.asked.local(t.Context(), c.given)
			if err != nil {
				got = err.Error()
			}
			if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// TestNodeWithoutANodeFileIsFound: nodes that keep nothing are found by the directory of those that run.
func TestNodeWithoutANodeFileIsFound(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_DATA_HOME", home)
	api, port := standIn(t, "127.0.0.2:0")
	l := newLocalNodes(Config{}, "net-1", slog.New(slog.DiscardHandler))
	if _, err := l.write("x.json", localNode{os.Getpid(), nil, []string{"http://127.0.0.2:1", api}}); err != nil {
		t.Fatal(err)
	}
	keepNode(t, filepath.Join(home, "kuai", "classic", "7"), api) // the same node
	for _, c := range []struct {
		asked asking
		given bool
		want  string
	}{
		{asking{port: 1}, false, api},
		{asking{port: port}, true, api},
		{asking{port: 1}, true, "http://127.0.0.1:1"},
		{asking{port: 1, dataDir: t.TempDir()}, false, "http://127.0.0.1:1"},
	} {
		if got, err := c.asked.local(t.Context(), c.given); err != nil || got != c.want {
			t.Errorf("%+v: %s, %v, want %s", c.asked, got, err, c.want)
		}
	}
}

// TestHealthInAContainer asks as the image's health check does: with the data directory in the environment alone, whatever the
// daemon was told of ports and hosts.
func TestHealthInAContainer(t *testing.T) {
	for _, address := range []string{"127.0.0.2:0", "[::1]:0"} {
		api, _ := standIn(t, address)
		dir := t.TempDir()
		keepNode(t, dir, api)
		env := []string{"KUAI_DATA_DIR=" + dir}
		if code, _, errOut := kuai(env, "health"); code != exitOK {
			t.Errorf("%s: exit code %d: %s", api, code, errOut)
		}
	}
}
