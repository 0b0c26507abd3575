package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"kuai/rpc/api"
)

// TestPythonMinerIsBeaten lets another block come first twice: while the documents' miner looks in vain, and when it has a proof. The first
// costs it a million tries, a second or two.
func TestPythonMinerIsBeaten(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("no python3")
	}
	d := startDaemon(t)
	rival := func() {
		if err := d.ask("GET", "/mine", nil, 200, new(api.Forged)); err != nil {
			t.Error(err)
		}
	}
	node, err := url.Parse(d.url())
	if err != nil {
		t.Fatal(err)
	}
	var works, proofs int // the miner asks for one thing after another
	forward := httputil.NewSingleHostReverseProxy(node)
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/mining/work":
			works++
			if works == 1 {
				hopeless(t, d, w)
				rival()
				return
			}
		case "/mining/submit":
			proofs++
			if proofs == 2 {
				rival()
			}
		}
		forward.ServeHTTP(w, r)
	}))
	defer door.Close()
	code, out := ends(t, exec.Command(python, "../../docs/miner.py", door.URL))
	tip := d.node()
	if want := "block 4 " + tip.Tip + "\n"; code != 0 || out != want || tip.Height != 4 {
		t.Errorf("exit code %d, the node is at %d, the miner says %q, want %q", code, tip.Height, out, want)
	}
	if m := d.mining(); m.Stale != 2 || m.Blocks != 3 || proofs != 3 {
		t.Errorf("the node counts %+v, and %d proofs came", m, proofs)
	}
}

// hopeless answers with the node's work, but asks for a hash of zeros.
func hopeless(t *testing.T, d *daemon, w http.ResponseWriter) {
	var work map[string]any
	if err := d.ask("GET", "/mining/work", nil, 200, &work); err != nil {
		t.Error(err)
		return
	}
	work["target"] = strings.Repeat("0", 64)
	if err := json.NewEncoder(w).Encode(work); err != nil {
		t.Error(err)
	}
}
