package e2e

import (
	"fmt"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"

	"kuai/rpc/api"
	"kuai/test/flask"
	"kuai/test/process"
)

// TestOneURLManyNodes registers a URL behind which one node after the other answers: a kuai node, Flask's program, and another kuai
// node. Each is noticed without a resolve, a restart or a new registration.
func TestOneURLManyNodes(t *testing.T) {
	var target atomic.Pointer[url.URL]
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target.Load()) }})
	defer front.Close()
	lead := func(to string) {
		u, err := url.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		target.Store(u)
	}
	listed := func(d *daemon, kind, id, state string) {
		t.Helper()
		process.Eventually(t, "the URL is listed as "+kind, settle, func() error {
			var p api.Peers
			d.get("/peers", &p)
			if len(p.Nodes) != 1 || p.Nodes[0].Kind != kind || p.Nodes[0].PeerID != id || state != "" && p.Nodes[0].State != state {
				return fmt.Errorf("%+v", p.Nodes)
			}
			return nil
		})
	}
	a, first, second := startDaemon(t), startDaemon(t), startDaemon(t)

	lead(first.url())
	a.register(front.URL)
	listed(a, "kuai", first.node().PeerID, "connected")

	f := flask.Start(t, flask.Classic)
	lead(f.URL)
	first.Kill()
	listed(a, "flask", "", "")
	for range 3 {
		f.Get("/mine")
	}
	a.expectReplaced(t, 4)

	id := second.node().PeerID
	lead(second.url())
	listed(a, "kuai", id, "connected")
	agreed(t, a, second)
	if got := flask.Ask(t, "DELETE", a.url()+"/peers/"+id, "", ""); got.Status != 204 {
		t.Fatalf("DELETE: %d %s", got.Status, got.Body)
	}
	var left api.Peers
	if a.get("/peers", &left); len(left.Nodes) != 0 {
		t.Errorf("still registered: %+v", left.Nodes)
	}
}
