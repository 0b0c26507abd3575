package flask

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/miner"
	"kuai/rpc"
)

// secureKuai serves a node of the development network, with its chain.
func secureKuai(t *testing.T) (*chain.Chain, string) {
	t.Helper()
	c := chaintest.Open(t, consensus.Dev())
	m := miner.New(c, chaintest.Account("erin"), miner.Options{Cores: 1}, slog.New(slog.DiscardHandler))
	s := rpc.New(rpc.Config{}, c, newLonely(t, c), &sealer{own: m}, slog.New(slog.DiscardHandler))
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	return c, srv.URL
}

// sealer mines as a daemon does.
type sealer struct {
	searcher // for what the tutorial has no use for
	own      *miner.Miner
}

func (s *sealer) Mine(ctx context.Context) (*consensus.Block, error) { return s.own.Mine(ctx) }

// forge is what the owner of a secure node cannot do and a Flask node cannot see: another amount in a sealed block.
func forge(chain string) string { return strings.Replace(chain, `"amount":5,`, `"amount":50,`, 1) }

// TestSecureChainTravels: an unmodified Flask node follows a secure network; the tutorial's node with the checks of docs/secure.py does, too,
// and docs/light.py finds a payment without the blocks.
func TestSecureChainTravels(t *testing.T) {
	c, url := secureKuai(t)
	rules := c.Rules()
	pay := func(amount int64) consensus.Payment {
		t.Helper()
		p := chaintest.Pay(rules, "alice", "bob", amount)
		if a := Ask(t, http.MethodPost, url+"/transactions/new", "application/json", p.Canonical()); a.Status != http.StatusCreated {
			t.Fatalf("pay: %d %s", a.Status, a.Body)
		}
		return p
	}
	mine := func() {
		t.Helper()
		if a := Ask(t, http.MethodGet, url+"/mine", "", ""); a.Status != http.StatusOK {
			t.Fatalf("mine: %d %s", a.Status, a.Body)
		}
	}
	pay(7)
	wanted := pay(5)
	mine()
	mine()
	network := filepath.Join(t.TempDir(), "dev.json")
	text := fmt.Sprintf(`{"name": "dev", "profile": "secure", "block_seconds": 10, "first_target": "%s", "genesis": %s}`, rules.First, rules.Genesis.Canonical())
	if err := os.WriteFile(network, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	original, careful := Start(t, Classic), run(t, secureProgram, network, "--port", "0")
	for name, n := range map[string]*Node{"the tutorial's program": original, "secure.py": careful} {
		n.Post("/nodes/register", `{"nodes":["`+url+`"]}`)
		if got := n.Get("/nodes/resolve"); !strings.HasPrefix(got.Body, `{"message":"Our chain was replaced"`) {
			t.Errorf("%s resolves: %d %s", name, got.Status, got.Body)
		}
		if theirs, ours := n.Get("/chain").Body, Ask(t, http.MethodGet, url+"/chain", "", "").Body; theirs != ours {
			t.Errorf("%s holds %s\nkuai holds %s", name, theirs, ours)
		}
	}
	mine()
	for name, n := range map[string]*Node{"the tutorial's program": original, "secure.py": careful} {
		if got := n.Get("/nodes/resolve"); !strings.HasPrefix(got.Body, `{"message":"Our chain was replaced"`) {
			t.Errorf("%s resolves again: %d %s", name, got.Status, got.Body)
		}
	}

	out, err := exec.CommandContext(t.Context(), python(t), "../../docs/light.py", network, wanted.ID().String(), url).CombinedOutput()
	want := fmt.Sprintf("5 from %s to %s in block 2, 3 confirmations\n", chaintest.Account("alice"), chaintest.Account("bob"))
	if err != nil || string(out) != want {
		t.Errorf("light.py: %s, %v, want %s", out, err, want)
	}
}

// TestOnlyTheChecksSeeAForgedPayment: a neighbour that changes an amount in the newest block fools the tutorial's program, whose check never hashes the
// last block, and not secure.py.
func TestOnlyTheChecksSeeAForgedPayment(t *testing.T) {
	c, url := secureKuai(t)
	p := chaintest.Pay(c.Rules(), "alice", "bob", 5)
	if _, err := c.Submit(p, ""); err != nil {
		t.Fatal(err)
	}
	Ask(t, http.MethodGet, url+"/mine", "", "")
	liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, forge(Ask(t, http.MethodGet, url+"/chain", "", "").Body))
	}))
	defer liar.Close()
	network := filepath.Join(t.TempDir(), "dev.json")
	text := fmt.Sprintf(`{"name": "dev", "profile": "secure", "genesis": %s}`, c.Rules().Genesis.Canonical())
	if err := os.WriteFile(network, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, fooled := range map[*Node]bool{Start(t, Classic): true, run(t, secureProgram, network, "--port", "0"): false} {
		name.Post("/nodes/register", `{"nodes":["`+liar.URL+`"]}`)
		if got := name.Get("/nodes/resolve").Body; strings.Contains(got, "replaced") != fooled {
			t.Errorf("fooled: want %t: %s", fooled, got)
		}
	}
}

// TestFlaskCannotMineOnASecureNetwork: its block has a proof of another form, and is not adopted.
func TestFlaskCannotMineOnASecureNetwork(t *testing.T) {
	_, url := secureKuai(t)
	Ask(t, http.MethodGet, url+"/mine", "", "")
	original := Start(t, Classic)
	original.Post("/nodes/register", `{"nodes":["`+url+`"]}`)
	original.Get("/nodes/resolve")
	original.Get("/mine")
	before := Ask(t, http.MethodGet, url+"/chain", "", "").Body
	Ask(t, http.MethodPost, url+"/nodes/register", "application/json", `{"nodes":["`+original.URL+`"]}`)
	if got := Ask(t, http.MethodGet, url+"/nodes/resolve", "", "").Body; !strings.Contains(got, "authoritative") {
		t.Errorf("%s", got)
	}
	if after := Ask(t, http.MethodGet, url+"/chain", "", "").Body; after != before {
		t.Errorf("the chain is %s", after)
	}
}
