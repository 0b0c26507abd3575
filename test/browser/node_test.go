package browser

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kuai/test/process"
)

const settle = 15 * time.Second // until what must come is there; it only ends a test that fails

func TestMain(m *testing.M) {
	code := process.MainAlone(m)
	stopChromium()
	os.Exit(code)
}

// node is a daemon that nobody finds: neither by multicast nor in a home directory.
type node struct {
	*process.Process
	t         testing.TB
	dir       string
	port, p2p int
	shown     sync.Once // the browser forgets what it knew of an earlier node on the port
}

func startNode(t testing.TB, args ...string) *node {
	t.Helper()
	n := newNode(t)
	n.Start(args...)
	return n
}

// newNode returns a node that is yet to be started.
func newNode(t testing.TB) *node {
	t.Helper()
	n := &node{t: t, dir: t.TempDir(), port: process.FreePort(t), p2p: process.FreePort(t)}
	n.Process = process.New(t, fmt.Sprintf("node on port %d", n.port), n.command)
	return n
}

func (n *node) command(args ...string) *exec.Cmd {
	cmd := process.Command(append(append([]string{"daemon"}, n.flags()...), args...)...)
	cmd.Env = append(cmd.Env, "HOME="+n.dir)
	return cmd
}

// flags are those of each node.
func (n *node) flags() []string {
	return []string{"-p", fmt.Sprint(n.port), "--data-dir", filepath.Join(n.dir, "data"), "--mdns=false", "--listen", fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", n.p2p)}
}

func (n *node) url() string { return fmt.Sprintf("http://127.0.0.1:%d", n.port) }

// ask sends a request and decodes the answer.
func (n *node) ask(method, path, body string, answer any) {
	n.t.Helper()
	req, err := http.NewRequestWithContext(n.t.Context(), method, n.url()+path, strings.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode > 299 {
		n.t.Fatalf("%s %s: %s, %v\n%s", method, path, resp.Status, err, text)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		n.t.Fatalf("%s %s: %v\n%s", method, path, err, text)
	}
}

// id is the node's address: who is paid for its blocks.
func (n *node) id() string {
	n.t.Helper()
	var answer struct {
		PeerID string `json:"peer_id"`
	}
	n.ask("GET", "/node", "", &answer)
	return answer.PeerID
}

// multiaddr is where peers connect to.
func (n *node) multiaddr() string {
	n.t.Helper()
	return fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/%s", n.p2p, n.id())
}

func (n *node) mine() {
	n.t.Helper()
	var block struct{ Index int64 }
	n.ask("POST", "/mine", "", &block)
}

// pay posts a payment of 1.
func (n *node) pay(sender, recipient string) {
	n.t.Helper()
	body, err := json.Marshal(map[string]any{"sender": sender, "recipient": recipient, "amount": 1})
	if err != nil {
		n.t.Fatal(err)
	}
	var answer struct{ Message string }
	n.ask("POST", "/transactions/new", string(body), &answer)
}

// waitHeight waits until the node's chain is so long.
func (n *node) waitHeight(height int64) {
	n.t.Helper()
	process.Eventually(n.t, fmt.Sprintf("block %d is there", height), settle, func() error {
		var answer struct{ Height int64 }
		n.ask("GET", "/node", "", &answer)
		if answer.Height != height {
			return fmt.Errorf("block %d", answer.Height)
		}
		return nil
	})
}

// block is a block as the API names it.
type block struct {
	Hash  string
	Index int64
}

// mineBlocks mines several blocks and returns the last.
func (n *node) mineBlocks(count int) block {
	n.t.Helper()
	var answer struct{ Blocks []block }
	n.ask("POST", "/mine", fmt.Sprintf(`{"blocks": %d}`, count), &answer)
	return answer.Blocks[len(answer.Blocks)-1]
}

// register connects the node to another one.
func (n *node) register(other *node) {
	n.t.Helper()
	var answer struct{ Message string }
	n.ask("POST", "/nodes/register", fmt.Sprintf(`{"nodes": [%q]}`, other.multiaddr()), &answer)
}

// forkedNode returns a node whose branch of two blocks, with two payments, was replaced by another node's of three, and the tip of its
// own branch.
func forkedNode(t testing.TB) (n *node, old block) {
	t.Helper()
	n = startNode(t)
	other := startNode(t)
	n.pay("alice", "bob")
	n.pay("bob", "carol")
	old = n.mineBlocks(2)
	other.mineBlocks(3)
	n.register(other)
	n.waitHeight(4)
	return n, old
}
