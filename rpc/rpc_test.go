package rpc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// fakeNetwork is a network of one that remembers what it is told.
type fakeNetwork struct {
	id string

	mu     sync.Mutex
	peers  []Peer
	nodes  []Registered
	said   func(Registered) Registered // what AskRegistered hears, if set
	cannot error                       // of Register and Disconnect
	sync   func(context.Context) error
	status SyncStatus
	reach  Reach
	looks  int
}

func (n *fakeNetwork) ID() string { return n.id }

func (n *fakeNetwork) Addresses() []string { return []string{"/ip4/127.0.0.1/tcp/15000/p2p/" + n.id} }

func (n *fakeNetwork) RefreshPeerLists() { n.mu.Lock(); defer n.mu.Unlock(); n.looks++ }
func (n *fakeNetwork) Reach() Reach      { return n.reach }

func (n *fakeNetwork) Register(_ context.Context, list []string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cannot != nil {
		return n.cannot
	}
	for _, address := range list {
		address = strings.TrimPrefix(address, "http://")
		if i := slices.IndexFunc(n.nodes, func(r Registered) bool { return r.Address == address }); i < 0 {
			n.nodes = append(n.nodes, Registered{Address: address, URL: "http://" + address, Kind: "unknown", State: "not connected"})
		}
	}
	slices.SortFunc(n.nodes, func(a, b Registered) int { return strings.Compare(a.Address, b.Address) })
	return nil
}

func (n *fakeNetwork) Registered() []Registered {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.nodes)
}

func (n *fakeNetwork) AskRegistered(_ context.Context, each func(Registered)) {
	var wg sync.WaitGroup
	for _, r := range n.Registered() {
		if n.said != nil {
			r = n.said(r)
		}
		wg.Go(func() { each(r) })
	}
	wg.Wait()
}

func (n *fakeNetwork) Disconnect(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cannot != nil {
		return n.cannot
	}
	before := len(n.peers) + len(n.nodes)
	n.peers = slices.DeleteFunc(n.peers, func(p Peer) bool { return p.ID == name })
	n.nodes = slices.DeleteFunc(n.nodes, func(r Registered) bool { return r.Address == name })
	if before == len(n.peers)+len(n.nodes) {
		return fmt.Errorf("peer %s: %w", name, chain.ErrNotFound)
	}
	return nil
}

// registered lists what answers at url as a node of a kind.
func (n *fakeNetwork) register(url, kind string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.nodes = append(n.nodes, Registered{Address: strings.TrimPrefix(url, "http://"), URL: url, Kind: kind, Answered: true, State: "not connected"})
}

func (n *fakeNetwork) Peers() []Peer {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.peers)
}

// set replaces what Peers lists.
func (n *fakeNetwork) set(peers []Peer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.peers = peers
}

func (n *fakeNetwork) SyncNow(ctx context.Context) error {
	if n.sync == nil {
		return nil
	}
	return n.sync(ctx)
}

func (n *fakeNetwork) SyncStatus() SyncStatus { return n.status }

// testMiner is the tutorial's search, one at a time.
type testMiner struct {
	chain *chain.Chain
	name  string
	mu    sync.Mutex
	mine  func(context.Context) (*consensus.Block, error) // instead of the search

	state sync.Mutex
	MinerStatus
}

func (m *testMiner) Status() MinerStatus {
	m.state.Lock()
	defer m.state.Unlock()
	return m.MinerStatus
}

// set changes what Status says.
func (m *testMiner) set(change func(*MinerStatus)) {
	m.state.Lock()
	defer m.state.Unlock()
	change(&m.MinerStatus)
}

func (m *testMiner) SetMode(mode string) error {
	if mode != "manual" && mode != "instant" {
		return fmt.Errorf("mining mode %q: want manual or instant", mode)
	}
	m.set(func(s *MinerStatus) { s.Mode = mode })
	return nil
}

func (m *testMiner) SetCores(n int) { m.set(func(s *MinerStatus) { s.Cores = n }) }

func (m *testMiner) SetShare(percent int) { m.set(func(s *MinerStatus) { s.Share = percent }) }

func (m *testMiner) Work() consensus.Draft {
	d := m.chain.Draft(m.name)
	d.Timestamp = max(float64(time.Now().Unix()), d.Parent.Timestamp+1)
	return d
}

func (m *testMiner) Submit(parent, _ consensus.Hash, proof int64) (*consensus.Block, error) {
	work := m.Work()
	if work.Parent.Hash != parent {
		return nil, chain.ErrStale
	}
	return m.seal(work, proof)
}

func (m *testMiner) Mine(ctx context.Context) (*consensus.Block, error) {
	if m.mine != nil {
		return m.mine(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for ctx.Err() == nil {
		if b, err := m.try(); !errors.Is(err, chain.ErrStale) {
			return b, err
		}
	}
	return nil, ctx.Err()
}

func (m *testMiner) try() (*consensus.Block, error) {
	rules, work := m.chain.Rules(), m.Work()
	puzzle, proof := rules.Puzzle(work), int64(0)
	for !puzzle.Solves(proof) {
		proof++
	}
	return m.seal(work, proof)
}

func (m *testMiner) seal(work consensus.Draft, proof int64) (*consensus.Block, error) {
	b, err := m.chain.Rules().Seal(work, proof, float64(time.Now().UnixMicro())/1e6)
	if err != nil {
		return nil, err
	}
	return b, m.chain.AddMined(b)
}

// node is a server with its parts in reach.
type node struct {
	*Server
	net   *fakeNetwork
	miner *testMiner
}

const testPeer = "12D3KooWTest"

func start(t testing.TB, cfg Config) *node {
	t.Helper()
	return startOn(t, cfg, chaintest.Rules())
}

func startOn(t testing.TB, cfg Config, rules *consensus.Rules) *node {
	t.Helper()
	c := chaintest.Open(t, rules)
	n := &fakeNetwork{id: testPeer}
	m := &testMiner{chain: c, name: n.id, MinerStatus: MinerStatus{Mode: "manual", Cores: 2, Share: 100, Kernel: "sha"}}
	return &node{New(cfg, c, n, m, quiet()), n, m}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// do asks the handler directly. header lines are "Key: value".
func (n *node) do(method, path, body string, header ...string) *httptest.ResponseRecorder {
	return n.doFrom("", method, path, body, header...)
}

// doFrom is do for a client at another address, "" for this machine.
func (n *node) doFrom(from, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host, r.RemoteAddr = "localhost:5000", cmp.Or(from, "127.0.0.1:40000")
	for _, line := range header {
		key, value, _ := strings.Cut(line, ": ")
		if key == "Host" {
			r.Host = value
		}
		r.Header.Add(key, value)
	}
	w := httptest.NewRecorder()
	n.Handler().ServeHTTP(w, r)
	return w
}

// want fails unless the answer has this status and body.
func want(t *testing.T, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if w.Code != status || w.Body.String() != body {
		t.Errorf("answer is %d %q\nexpected %d %q", w.Code, w.Body, status, body)
	}
}

// decode reads a JSON answer of this status.
func decode(t *testing.T, w *httptest.ResponseRecorder, status int) map[string]any {
	t.Helper()
	if w.Code != status {
		t.Fatalf("status %d expected, got %d: %s", status, w.Code, w.Body)
	}
	var v map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return v
}

// listen serves h on loopback and returns its URL.
func listen(t testing.TB, h http.Handler) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

// flaskNode answers as the tutorial's program does: the five endpoints, and nothing else.
func flaskNode(t testing.TB, n *node) string {
	t.Helper()
	return listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/node" {
			refuse(w, r, noSuchPath)
			return
		}
		n.Handler().ServeHTTP(w, r)
	}))
}

// fetch reads url.
func fetch(t *testing.T, url string) (int, http.Header, string) {
	t.Helper()
	res, err := http.Get(url)
	return toTheEnd(t, res, err)
}

// toTheEnd reads an answer to its end.
func toTheEnd(t *testing.T, res *http.Response, err error) (int, http.Header, string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(body)
}
