package e2e

import (
	"encoding/json"
	"fmt"
	"testing"

	"kuai/rpc/api"
	"kuai/test/flask"
)

// TestFlask lets chains travel between two daemons and the tutorial's own program, there and back.
func TestFlask(t *testing.T) {
	f := flask.Start(t, flask.Classic)
	a := startDaemon(t)
	b := startDaemon(t, "--peer", a.url())

	t.Log("we adopt a Flask node's longer chain, and our peers hear of it")
	f.Post("/transactions/new", `{"sender": "爱丽丝", "recipient": "bob", "amount": 5.0}`)
	for range 3 {
		f.Get("/mine")
	}
	a.register(f.URL)
	a.expectReplaced(t, 4)
	agreed(t, a, b)
	sameAsFlask(t, f, a, b)

	t.Log("a Flask node adopts ours")
	id := a.pay(1)
	everywhere(t, id, []*daemon{a, b}, "pending")
	b.mineMany(2)
	agreed(t, a, b)
	if got := f.Post("/nodes/register", fmt.Sprintf(`{"nodes": [%q]}`, a.url())); got.Status != 201 {
		t.Fatalf("Flask registers us: %d %s", got.Status, got.Body)
	}
	var answer api.Resolved
	if got := f.Get("/nodes/resolve"); json.Unmarshal([]byte(got.Body), &answer) != nil || answer.Message != "Our chain was replaced" {
		t.Fatalf("Flask resolves: %d %s", got.Status, got.Body)
	}
	sameAsFlask(t, f, a, b)

	t.Log("it mines on what it has adopted, and we adopt that")
	f.Get("/mine")
	b.register(f.URL)
	b.expectReplaced(t, 7)
	agreed(t, a, b)
	sameAsFlask(t, f, a, b)
}

// expectReplaced resolves and wants a chain of n blocks in place of the old one.
func (d *daemon) expectReplaced(t *testing.T, n int) {
	t.Helper()
	var answer api.Resolved
	d.get("/nodes/resolve", &answer)
	if answer.Message != "Our chain was replaced" || len(answer.NewChain) != n {
		t.Fatalf("resolve says %q with %d blocks, want a new chain of %d", answer.Message, len(answer.NewChain), n)
	}
}

// sameAsFlask compares the answers to GET /chain, byte for byte.
func sameAsFlask(t *testing.T, f *flask.Node, nodes ...*daemon) {
	t.Helper()
	want := f.Get("/chain").Body
	for _, d := range nodes {
		if got := flask.Ask(t, "GET", d.url()+"/chain", "", "").Body; got != want {
			t.Errorf("port %d answers\n%s\nFlask answers\n%s", d.port, got, want)
		}
	}
}
