//go:build linux

package netns

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"kuai/test/process"
)

const (
	apiPort  = 5000
	peerPort = 15000
	settle   = 30 * time.Second // until what one node knows, all know

	// networkFile is a network: proofs take microseconds, so that blocks cost what their way costs.
	networkFile = `{"name": "spaces", "zeros": 1, "genesis": {"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 1626739200.5, "transactions": []}}`
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role))
	}
	os.Exit(process.Main(m))
}

// node is a daemon in a namespace. Its API is on that namespace's loopback.
type node struct {
	*process.Process
	t       testing.TB
	at      *space
	address string // what peers reach it by
	dir     string
	file    string // its network's
	client  *http.Client
}

// newNode prepares a daemon in s. It starts nothing.
func newNode(t testing.TB, s *space, address string) *node {
	dir := t.TempDir()
	n := &node{t: t, at: s, address: address, dir: filepath.Join(dir, "data"), file: filepath.Join(dir, "network.json")}
	if err := os.WriteFile(n.file, []byte(networkFile), 0o600); err != nil {
		t.Fatal(err)
	}
	n.Process = process.New(t, s.name, n.command)
	n.Spawn = s.start
	n.client = s.client()
	return n
}

// client asks from inside the namespace.
func (s *space) client() *http.Client {
	tr := &http.Transport{DialContext: func(_ context.Context, _, address string) (net.Conn, error) {
		return s.dial(net.Dialer{Timeout: 5 * time.Second}, address)
	}}
	s.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: settle}
}

func (n *node) command(args ...string) *exec.Cmd {
	all := []string{"daemon", "-p", fmt.Sprint(apiPort), "--data-dir", n.dir, "--network", n.file, "--mdns=false",
		"--listen", fmt.Sprintf("/ip4/0.0.0.0/tcp/%d", peerPort), "--mine-cores", "1"}
	cmd := process.Command(append(all, args...)...)
	cmd.Env = append(cmd.Env, "HOME="+filepath.Dir(n.dir)) // another machine has another home
	return cmd
}

// begin starts the daemon.
func (n *node) begin(args ...string) *node {
	n.t.Helper()
	n.Start(args...)
	return n
}

// host makes a namespace with a node on the bridge.
func (l *lan) host(t testing.TB, name, address string, args ...string) *node {
	t.Helper()
	s := newSpace(t, name)
	l.join(s, "eth0", address+"/24")
	return newNode(t, s, address).begin(args...)
}

type info struct {
	PeerID string `json:"peer_id"`
	Height int64  `json:"height"`
	Tip    string `json:"tip"`
	Peers  int    `json:"peers"`
}

type peerInfo struct {
	ID        string  `json:"id"`
	Address   string  `json:"address"`
	Connected bool    `json:"connected"`
	Height    int64   `json:"height"`
	Score     float64 `json:"score"`
}

// ask sends a request and decodes the answer.
func (n *node) ask(method, path string, body []byte, answer any) error {
	text, err := n.text(method, path, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, answer)
}

func (n *node) text(method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequest(method, fmt.Sprintf("http://127.0.0.1:%d%s", apiPort, path), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := n.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: status %d: %s", method, path, resp.StatusCode, text)
	}
	return text, err
}

func (n *node) get(path string, answer any) {
	n.t.Helper()
	if err := n.ask("GET", path, nil, answer); err != nil {
		n.t.Fatalf("%s: %v", n.at.name, err)
	}
}

func (n *node) info() (i info) {
	n.t.Helper()
	n.get("/node", &i)
	return i
}

// mine forges a block and returns its index.
func (n *node) mine() int64 {
	n.t.Helper()
	var b struct {
		Index int64 `json:"index"`
	}
	n.get("/mine", &b)
	return b.Index
}

// peers lists those that are connected.
func (n *node) peers() map[string]peerInfo {
	n.t.Helper()
	var answer struct {
		Peers []peerInfo `json:"peers"`
	}
	n.get("/peers?limit=1000", &answer)
	all := make(map[string]peerInfo)
	for _, p := range answer.Peers {
		if p.Connected {
			all[p.ID] = p
		}
	}
	return all
}

// multiaddr is where peers connect to.
func (n *node) multiaddr() string {
	return fmt.Sprintf("/ip4/%s/tcp/%d/p2p/%s", n.address, peerPort, n.info().PeerID)
}

// metric returns the sum of a metric over its labels.
func (n *node) metric(name string) (sum float64) {
	n.t.Helper()
	text, err := n.text("GET", "/metrics", nil)
	if err != nil {
		n.t.Fatalf("%s: %v", n.at.name, err)
	}
	for sc := bufio.NewScanner(bytes.NewReader(text)); sc.Scan(); {
		rest, ok := strings.CutPrefix(sc.Text(), name)
		if !ok || rest == "" || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		v, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		if err != nil {
			n.t.Fatal(err)
		}
		sum += v
	}
	return sum
}

// descriptors counts the files that the process has open.
func (n *node) descriptors() int {
	n.t.Helper()
	count, err := n.open()
	if err != nil {
		n.t.Fatal(err)
	}
	return count
}

func (n *node) open() (int, error) {
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", n.Cmd.Process.Pid))
	return len(files), err
}

// memory returns a line of the process's status, in MiB.
func (n *node) memory(line string) int {
	n.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.Cmd.Process.Pid))
	if err != nil {
		n.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), line+":")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		n.t.Fatal(err)
	}
	return kib / 1024
}

// agreed waits until all nodes have the same tip at a height or above.
func agreed(t testing.TB, height int64, nodes ...*node) {
	t.Helper()
	process.Eventually(t, "one tip", settle, func() error {
		first := nodes[0].info()
		if first.Height < height {
			return fmt.Errorf("%s is at block %d, want %d", nodes[0].at.name, first.Height, height)
		}
		for _, n := range nodes[1:] {
			if i := n.info(); i.Tip != first.Tip {
				return fmt.Errorf("block %d in %s, block %d in %s", first.Height, nodes[0].at.name, i.Height, n.at.name)
			}
		}
		return nil
	})
}
