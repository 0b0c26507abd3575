// Package light tests docs/light.py, which checks a payment without the blocks, against the chain that CPython mined for the tests.
package light

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"kuai/chain/consensus"
)

// header is what GET /headers says of a block.
type header struct {
	Hash      string          `json:"hash"`
	Index     int64           `json:"index"`
	Leaves    int             `json:"leaves"`
	Path      []string        `json:"path"`
	Previous  string          `json:"previous_hash"`
	Proof     string          `json:"proof"`
	Timestamp json.RawMessage `json:"timestamp"`
}

// proof is GET /transactions/{id}/proof.
type proof struct {
	Block struct {
		Hash  string `json:"hash"`
		Index int64  `json:"index"`
	} `json:"block"`
	Leaf        int            `json:"leaf"`
	Path        []string       `json:"path"`
	Transaction map[string]any `json:"transaction"`
}

// node answers as a node of a secure network does. A test changes what it answers.
type node struct {
	genesis string
	headers []header
	proofs  []proof // of all payments
}

// page is how many headers the node answers at once.
const page = 7

func newNode(t *testing.T) *node {
	t.Helper()
	data, err := os.ReadFile("../../chain/consensus/testdata/secure_chain.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	n := new(node)
	for line := range strings.Lines(string(data)) {
		var v struct{ Block, Hash string }
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		if n.genesis == "" {
			n.genesis = v.Block
			continue
		}
		n.add(t, v.Block, v.Hash)
	}
	return n
}

// add takes a block of the chain.
func (n *node) add(t *testing.T, text, hash string) {
	t.Helper()
	var b struct {
		header
		Transactions []json.RawMessage `json:"transactions"`
	}
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		t.Fatal(err)
	}
	leaves := []consensus.Hash{consensus.LeafHash(fmt.Appendf(nil, `{"index": %d, "previous_hash": "%s", "timestamp": %s}`, b.Index, b.Previous, b.Timestamp))}
	for _, tx := range b.Transactions {
		leaves = append(leaves, consensus.LeafHash(tx))
	}
	b.Hash, b.Leaves, b.Path = hash, len(leaves), path(leaves, 0)
	n.headers = append(n.headers, b.header)
	for i, tx := range b.Transactions[:len(b.Transactions)-1] {
		p := proof{Leaf: i + 1, Path: path(leaves, i+1)}
		p.Block.Hash, p.Block.Index = hash, b.Index
		d := json.NewDecoder(bytes.NewReader(tx))
		d.UseNumber()
		if err := d.Decode(&p.Transaction); err != nil {
			t.Fatal(err)
		}
		n.proofs = append(n.proofs, p)
	}
}

func path(leaves []consensus.Hash, i int) []string {
	all := []string{}
	for _, h := range consensus.MerklePath(leaves, i) {
		all = append(all, h.String())
	}
	return all
}

func (n *node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/headers" {
		from, _ := strconv.Atoi(r.URL.Query().Get("from"))
		start := min(max(from-2, 0), len(n.headers))
		answer(w, map[string]any{"headers": n.headers[start:min(start+page, len(n.headers))]})
		return
	}
	for _, p := range n.proofs {
		if r.URL.Path == "/transactions/"+p.id()+"/proof" {
			answer(w, p)
			return
		}
	}
	w.WriteHeader(http.StatusNotFound)
	answer(w, map[string]string{"detail": "No payment of this id."})
}

func (p proof) id() string { id, _ := p.Transaction["id"].(string); return id }

func answer(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}

// run runs the client for the payment with that id. It returns what it prints and whether it accepts the payment.
func run(t *testing.T, genesis, id string, nodes ...http.Handler) (said string, accepted bool) {
	t.Helper()
	network := filepath.Join(t.TempDir(), "network.json")
	text := fmt.Sprintf(`{"profile": "secure", "block_seconds": 10, "first_target": "%s", "genesis": %s}`, consensus.MaxTarget, genesis)
	if err := os.WriteFile(network, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"../../docs/light.py", network, id}
	for _, n := range nodes {
		s := httptest.NewServer(n)
		defer s.Close()
		args = append(args, s.URL)
	}
	out, err := exec.CommandContext(t.Context(), python(t), args...).CombinedOutput()
	return string(out), err == nil
}

func python(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	return path
}

func TestLightClientAcceptsWhatIsTrue(t *testing.T) {
	n := newNode(t)
	for _, p := range n.proofs[:8] {
		said, accepted := run(t, n.genesis, p.id(), n)
		want := fmt.Sprintf("%s from %s to %s in block %d, %d confirmations\n",
			p.Transaction["amount"], p.Transaction["sender"], p.Transaction["recipient"], p.Block.Index, int64(len(n.headers))+2-p.Block.Index)
		if !accepted || said != want {
			t.Errorf("the payment %s: %s\nwant %s", p.id(), said, want)
		}
	}
}

// A node that lies, or knows a chain with less work, changes nothing.
func TestLightClientTakesTheMostWork(t *testing.T) {
	honest, behind, lying := newNode(t), newNode(t), newNode(t)
	behind.headers = behind.headers[:len(behind.headers)-3]
	lying.headers[4].Proof = lying.headers[5].Proof
	p := honest.proofs[0]
	said, accepted := run(t, honest.genesis, p.id(), behind, lying, honest)
	if want := fmt.Sprintf("%d confirmations", int64(len(honest.headers))+2-p.Block.Index); !accepted || !strings.Contains(said, want) || !strings.Contains(said, "refused: ") {
		t.Errorf("want %s: %s", want, said)
	}
}

// forgeries change one answer of an honest node each. p is the proof of the payment that is asked for.
var forgeries = []struct {
	name   string
	forge  func(n *node, p *proof)
	reason string
}{
	{"another amount", func(_ *node, p *proof) { p.Transaction["amount"] = 1_000_000 }, "does not hold the payment"},
	{"another recipient", func(_ *node, p *proof) {
		p.Transaction["recipient"] = "12D3KooWMCJ4eUwhryEMhjmGc1BQ5PU8tVNUuS19kWyDzvgmH7uD"
	}, "does not hold the payment"},
	{"another payment under the id", func(n *node, p *proof) { id := p.id(); *p = n.proofs[len(n.proofs)-1]; p.Transaction["id"] = id }, "does not hold the payment"},
	{"a changed path", func(_ *node, p *proof) { p.Path[0] = p.Path[0][2:] + "00" }, "does not hold the payment"},
	{"a path that is too long", func(_ *node, p *proof) { p.Path = append(p.Path, p.Path[0]) }, "too long"},
	{"a path that is too short", func(_ *node, p *proof) { p.Path = p.Path[1:] }, "too short"},
	{"another place in the block", func(_ *node, p *proof) { p.Leaf = 0 }, ""},
	{"another block", func(_ *node, p *proof) { p.Block.Index++ }, ""},
	{"a block that is not on the chain", func(n *node, p *proof) { p.Block.Index = int64(len(n.headers)) + 2 }, "not on the chain"},
	{"a header that counts other leaves", func(n *node, p *proof) { n.headers[p.Block.Index-2].Leaves *= 4 }, "too short"},
	{"a proof of another block", func(n *node, p *proof) { n.headers[p.Block.Index-2].Proof = n.headers[p.Block.Index-1].Proof }, "does not seal"},
	{"a nonce without work", func(n *node, p *proof) { n.headers[p.Block.Index-2].Proof += "0" }, "misses its target"},
	{"a root without work", func(n *node, p *proof) {
		h := &n.headers[len(n.headers)-1] // the forger's own block, with nothing but the payment
		tx, _ := json.Marshal(p.Transaction)
		leaves := []consensus.Hash{consensus.LeafHash(sealed(*h)), consensus.LeafHash(spaced(tx))}
		h.Leaves, h.Path, h.Proof = 2, path(leaves, 0), consensus.MerkleRoot(leaves).String()+".7"
		p.Block.Index, p.Leaf, p.Path = h.Index, 1, path(leaves, 1)
	}, "misses its target"},
	{"another time, to make the next target easier", func(n *node, _ *proof) { n.headers[5].Timestamp = json.RawMessage(`1790000999`) }, "does not seal"},
	{"a time before the parent's", func(n *node, _ *proof) { n.headers[5].Timestamp = n.headers[4].Timestamp }, "time"},
	{"a time to come", func(n *node, _ *proof) { n.headers[len(n.headers)-1].Timestamp = json.RawMessage(`99999999999`) }, "time"},
	{"a block left out", func(n *node, _ *proof) { n.headers = append(n.headers[:5:5], n.headers[6:]...) }, "does not follow"},
	{"a block of another parent", func(n *node, _ *proof) { n.headers[5].Previous = n.headers[3].Hash }, "does not follow"},
	{"another hash of a block", func(n *node, _ *proof) { n.headers[5].Hash = n.headers[3].Hash }, "does not follow"},
	{"another network", func(n *node, _ *proof) { n.genesis = strings.Replace(n.genesis, `"amount": 1000`, `"amount": 1001`, 1) }, "does not follow"},
	{"an endless number", func(n *node, _ *proof) { n.headers[5].Timestamp = json.RawMessage(`1e999`) }, "time"},
	{"no headers", func(n *node, _ *proof) { n.headers = n.headers[:0] }, "not on the chain"},
}

func sealed(h header) []byte {
	return fmt.Appendf(nil, `{"index": %d, "previous_hash": "%s", "timestamp": %s}`, h.Index, h.Previous, h.Timestamp)
}

// spaced is the canonical form of an object without strings that have a comma or a colon.
func spaced(compact []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(compact, []byte(","), []byte(", ")), []byte(":"), []byte(": "))
}

func TestLightClientRefusesForgeries(t *testing.T) {
	for _, f := range forgeries {
		t.Run(f.name, func(t *testing.T) {
			n := newNode(t)
			i := 0
			for len(n.proofs[i].Path) < 2 {
				i++
			}
			p := &n.proofs[i]
			id := p.id()
			f.forge(n, p)
			said, accepted := run(t, n.genesis, id, n)
			if accepted || !strings.Contains(said, "refused: ") || !strings.Contains(said, f.reason) || !strings.Contains(said, "no node has proved the payment") {
				t.Errorf("accepted: %t, want it refused: %s\n%s", accepted, f.reason, said)
			}
		})
	}
}

// TestLightClientTellsWhatIsMissing: a file that is not there, and a payment that no node knows.
func TestLightClientTellsWhatIsMissing(t *testing.T) {
	n := newNode(t)
	unknown := strings.Repeat("0", 32)
	if said, accepted := run(t, n.genesis, unknown, n); accepted || !strings.Contains(said, "refused: 'No payment of this id.'") {
		t.Errorf("accepted: %t: %s", accepted, said)
	}
	out, err := exec.CommandContext(t.Context(), python(t), "../../docs/light.py", "absent.json", unknown, "http://127.0.0.1:1").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "the network file cannot be read: ") || strings.Contains(string(out), "Traceback") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestLightClientTellsItsUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"network.json", "id"}} {
		out, err := exec.CommandContext(t.Context(), python(t), append([]string{"../../docs/light.py"}, args...)...).CombinedOutput()
		if err == nil || !strings.HasSuffix(string(out), ": python3 light.py NETWORK-FILE PAYMENT-ID URL...\n") || strings.Contains(string(out), "Traceback") {
			t.Errorf("%q: %v: %s", args, err, out)
		}
	}
}
