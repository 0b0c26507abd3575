package browser

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kuai/test/process"
)

// webGenesis is the first block of the network in networkFile, with proofs that take no time in a browser either.
const webGenesis = `{"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 1.5, "transactions": []}`

// TestPeerInABrowser: docs/peer.js is a member of the network in a page that no node serves. It catches up with 5,000 blocks, pays, mines and
// hears of blocks; the node behind the one that it is connected with adopts what it makes.
func TestPeerInABrowser(t *testing.T) {
	t.Parallel()
	page := serveBundle(t)
	near := newNode(t)
	near.Start("--network", networkFile(t, "web", 1), "--listen", fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/ws", near.p2p)) // the port of plain TCP
	far := startNode(t, "--network", networkFile(t, "web", 1))
	testPeer(t, page, near, far, near.p2p, "")
}

// TestPeerWithASwarmKey: the same in a network that a key closes. A page without the key does not get in.
func TestPeerWithASwarmKey(t *testing.T) {
	t.Parallel()
	page := serveBundle(t)
	key := "/key/swarm/psk/1.0.0/\n/base16/\n" + strings.Repeat("5e", 32) + "\n"
	file := filepath.Join(t.TempDir(), "swarm.key")
	if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	near, port := newNode(t), process.FreePort(t) // WebSocket needs a port of its own
	near.Start("--network", networkFile(t, "web", 1), "--swarm-key", file, "--listen", fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/ws", port))
	far := startNode(t, "--network", networkFile(t, "web", 1), "--swarm-key", file)
	testPeer(t, page, near, far, port, key)

	stranger := openTab(t, page, wide, high)
	if failed := join(stranger, near, port, ""); failed == "" {
		t.Error("a page without the key has joined")
	}
}

// join makes a tab of the bundle a peer of the node, and returns why that failed, or "".
func join(p *tab, n *node, port int, swarmKey string) (failed string) {
	p.t.Helper()
	var answer struct{ Network string }
	n.ask("GET", "/node", "", &answer)
	p.run(fmt.Sprintf(`Peer.join("/ip4/127.0.0.1/tcp/%d/ws/p2p/%s", {id: %q, genesis: %q, zeros: 1, swarmKey: %q}).then(p => { window.peer = p }, e => { window.failed = String(e) })`,
		port, n.id(), answer.Network, webGenesis, swarmKey))
	p.wait("it has joined or failed", `window.failed || window.peer`)
	return eval[string](p, `window.failed || ""`)
}

// testPeer lets a page join near, which listens for WebSocket on port, and tells the story of both with far, which knows near alone.
func testPeer(t *testing.T, page, near, far *node, port int, swarmKey string) {
	t.Helper()
	far.register(near)
	var tip block
	for range 50 {
		tip = near.mineBlocks(100)
	}
	p := openTab(t, page, wide, high)
	if failed := join(p, near, port, swarmKey); failed != "" {
		t.Fatal(failed)
	}
	p.wait("it has the whole chain", fmt.Sprintf(`peer.tip.hash === %q`, tip.Hash))

	t.Log("its payment is pending at the node that it does not know")
	p.run(`peer.pay("爱丽丝 😀 \"A\"", "bob", 5).then(id => { window.paid = id })`)
	p.wait("it has paid", `window.paid`)
	paid := eval[string](p, `paid`)
	type payment struct{ ID, Sender string }
	process.Eventually(t, "the payment is pending", settle, func() error {
		var pending struct{ Transactions []payment }
		far.ask("GET", "/transactions/pending", "", &pending)
		if len(pending.Transactions) != 1 || pending.Transactions[0] != (payment{paid, `爱丽丝 😀 "A"`}) {
			return fmt.Errorf("%v", pending)
		}
		return nil
	})

	t.Log("both nodes adopt its block, and it adopts theirs")
	p.run(`peer.mine().then(b => { window.mined = b })`)
	p.wait("it has mined", `window.mined`)
	id, hash := eval[string](p, `peer.id`), eval[string](p, `mined.hash`)
	far.waitHeight(tip.Index + 1)
	var latest struct {
		Hash  string
		Block struct {
			Transactions []struct{ ID, Recipient string }
		}
	}
	far.ask("GET", "/blocks/latest", "", &latest)
	if txs := latest.Block.Transactions; latest.Hash != hash || len(txs) != 2 || txs[0].ID != paid || txs[1].Recipient != id {
		t.Errorf("the node's tip is %+v, the page mined %s", latest, hash)
	}
	next := far.mineBlocks(1)
	p.wait("it hears of a block", fmt.Sprintf(`peer.tip.hash === %q`, next.Hash))
	if left := eval[int](p, `peer.pending.size`); left != 0 {
		t.Errorf("%d payments are still pending in the page", left)
	}
	process.Eventually(t, "the node shows it as a peer that is level", settle, func() error {
		var peers struct {
			Peers []struct {
				ID     string
				Agent  string
				Height int64
			}
		}
		near.ask("GET", "/peers", "", &peers)
		for _, p := range peers.Peers {
			if p.ID == id && p.Agent == "peer.js" && p.Height == next.Index {
				return nil
			}
		}
		return fmt.Errorf("%+v", peers)
	})

	t.Log("a block that gossip has lost is fetched from it")
	p.run(`const { pubsub } = peer.node.services, publish = pubsub.publish; pubsub.publish = async () => {}; peer.mine().then(() => { pubsub.publish = publish; window.quiet = peer.tip })`)
	p.wait("it has mined", `window.quiet`)
	far.waitHeight(next.Index + 1)

	t.Log("what is pending, and too much for a block that gossip carries, goes into two; a payment keeps its text")
	const half = "0123456789abcdef0123456789abcdef"
	far.ask("POST", "/transactions/new", fmt.Sprintf(`{"sender": "carol", "recipient": "dave", "amount": 2.50, "id": %q}`, half), new(struct{}))
	p.wait("it hears of the payment", fmt.Sprintf(`peer.pending.get(%q)?.startsWith('{"amount": 2.5, ')`, half))
	p.run(`(async () => { for (let i = 1; i < 700; i++) await peer.pay("alice" + i, "bob", i); await peer.mine(); await peer.mine(); window.twice = peer.tip })()`)
	p.wait("it has mined two blocks", `window.twice`)
	far.waitHeight(next.Index + 3)
	far.ask("GET", "/blocks/latest", "", &latest)
	if hash := eval[string](p, `twice.hash`); latest.Hash != hash || eval[int](p, `peer.pending.size`) != 0 {
		t.Errorf("the node's tip is %s, the page mined %s, and %d payments are pending in it", latest.Hash, hash, eval[int](p, `peer.pending.size`))
	}
	p.run(`window.other = Object.assign(Object.create(Object.getPrototypeOf(peer)), { blocks: peer.blocks, mined: new Set(peer.mined), pending: new Map(), onblock () {} })
		other.adopt([...peer.blocks.slice(0, -2), ...["a", "b", "c"].map(hash => ({ hash, transactions: [] }))])`)
	if got := eval[string](p, fmt.Sprintf(`other.pending.size + " " + other.pending.get(%q)`, half)); got != fmt.Sprintf(`700 {"amount": 2.5, "id": %q, "recipient": "dave", "sender": "carol"}`, half) {
		t.Errorf("after a reorg %s are pending", got)
	}
	heard := func(text string) string {
		return eval[string](p, fmt.Sprintf(`peer.hearPayment(new TextEncoder().encode(%q))`, text))
	}
	const form = `{"amount": %s, "id": "%032d", "recipient": %s, "sender": "a"}`
	for i, c := range []struct{ amount, recipient, want string }{
		{"7", `"b"`, "accept"}, {"7.0", `"b"`, "accept"}, {"0.1", `"\u00e9"`, "accept"}, {"7.50", `"b"`, "ignore"}, {"07", `"b"`, "ignore"}, {"0", `"b"`, "ignore"},
		{"-1", `"b"`, "ignore"}, {"1e5", `"b"`, "ignore"}, {"7", `"\u00E9"`, "ignore"}, {"7", `""`, "ignore"}, {"7", `"\x"`, "ignore"},
		{"7", `"\ud800"`, "ignore"}, {"7", `"b", "x": "y"`, "ignore"},
	} {
		if text := fmt.Sprintf(form, c.amount, i, c.recipient); heard(text) != c.want {
			t.Errorf("%s: want %s", text, c.want)
		}
	}
	if got := heard(fmt.Sprintf(`{"amount": 2.5, "id": %q, "recipient": "dave", "sender": "carol"}`, half)); got != "ignore" {
		t.Errorf("a payment that is in a block: %s", got)
	}
}

// serveBundle serves an empty page with docs/peer.js and the libraries that it needs. PEER_MODULES names the folder into which npm installed
// them, in the versions of peer/package-lock.json.
func serveBundle(t *testing.T) *node {
	t.Helper()
	modules := os.Getenv("PEER_MODULES")
	if modules == "" && os.Getenv("CI") == "" {
		t.Skip("PEER_MODULES does not name the node_modules of peer/package.json")
	}
	needChromium(t)
	dir := t.TempDir()
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"peer/page.js": "page.js", "../../docs/peer.js": "peer.js"} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(modules, ".bin", "esbuild"), "page.js", "--bundle", "--log-level=warning", "--outfile=bundle.js")
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, text)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>peer</title><script src="/bundle.js"></script></html>`))
	})
	mux.HandleFunc("/bundle.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, filepath.Join(dir, "bundle.js")) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return &node{t: t, port: server.Listener.Addr().(*net.TCPAddr).Port}
}
