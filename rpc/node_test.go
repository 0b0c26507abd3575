package rpc

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/rpc/api"
)

func TestNodeSaysWhoItIs(t *testing.T) {
	n := start(t, Config{Version: "1.2.3", Agent: "kuai/1.2.3", Name: "爱丽丝"})
	n.net.peers = []Peer{{ID: "a", Connected: true}, {ID: "b"}}
	n.net.status = SyncStatus{Active: true, Peer: "a", Height: 1, Target: 9}
	genesis := n.chain.Rules().Genesis.Hash()
	want(t, n.do("GET", "/node", ""), 200, fmt.Sprintf(`{"addresses":["/ip4/127.0.0.1/tcp/15000/p2p/%s"],"agent":"kuai/1.2.3","genesis":"%s","height":1,`+
		`"mining":{"mode":"manual","rate":0.0,"searching":false},"name":"\u7231\u4e3d\u4e1d","network":"%s","network_name":"test","peer_id":"%s","peers":1,"pool":{"bytes":0,"transactions":0},`+
		`"profile":"classic","sync":{"active":true,"height":1,"peer":"a","rate":0.0,"target":9},"target":"0fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff","tip":"%s","version":"1.2.3"}`+"\n", testPeer, genesis, n.chain.Rules().Network(), testPeer, genesis))
}

// TestNodeSaysWhetherItCanBeDialled from outside, and who found so.
func TestNodeSaysWhetherItCanBeDialled(t *testing.T) {
	at := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	const reached = `"address":"/ip4/1.0.0.11/tcp/4001/p2p/id","at":"2026-11-29T10:00:00Z","by":"b","by_name":"lab-server","state":`
	found := Reach{Asked: true, Public: true, Known: true, Address: "/ip4/1.0.0.11/tcp/4001/p2p/id", Witness: "b", Name: "lab-server", At: at}
	yes := found
	yes.Reached = true
	for _, c := range []struct {
		reach Reach
		want  string
	}{
		{Reach{}, ""},
		{Reach{Asked: true}, `{"address":"","by":"","state":"no"}`},
		{Reach{Asked: true, Public: true}, `{"address":"","by":"","state":"unknown"}`},
		{found, "{" + reached + `"no"}`},
		{yes, "{" + reached + `"yes"}`},
	} {
		n := start(t, Config{})
		n.net.reach = c.reach
		answer := n.do("GET", "/node", "").Body.String()
		_, got, said := strings.Cut(answer, `"dialable":`)
		if said != (c.want != "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v: %s", c.reach, answer)
		}
	}
}

func TestPeersAreListedAndPaged(t *testing.T) {
	n := start(t, Config{})
	want(t, n.do("GET", "/peers", ""), 200, `{"count":0,"nodes":[],"peers":[]}`+"\n")
	tip := consensus.Hash{1}
	n.net.peers = []Peer{
		{ID: "a", Name: "lab-pc-7", Agent: "kuai/1", Address: "/ip4/10.0.0.1/tcp/1", Direction: "inbound", Connected: true, State: "connected", Static: true, Latency: 1500 * time.Microsecond, Height: 7, Tip: tip, Score: -2.5, ClockAhead: -3 * time.Hour, Knows: []string{"c"}},
		{ID: "b", State: "other network, next try in 9 s", Reason: "other network"},
	}
	n.net.nodes = []Registered{{Address: "x:1", URL: "http://x:1", Kind: "flask", State: "Flask node, next try in 12 s", Status: 404, Next: time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)}}
	const nodes = `"nodes":[{"address":"x:1","kind":"flask","next_ask":"2026-11-29T10:00:00Z","peer_id":"","state":"Flask node, next try in 12 s","status":404,"url":"http://x:1"}],`
	a := fmt.Sprintf(`{"address":"/ip4/10.0.0.1/tcp/1","agent":"kuai/1","clock_ahead_seconds":-10800,"connected":true,"direction":"inbound","height":7,"id":"a","knows":["c"],"latency_ms":1.5,"name":"lab-pc-7","score":-2.5,"state":"connected","static":true,"tip":"%s"}`, tip)
	b := `{"address":"","agent":"","connected":false,"direction":"","height":0,"id":"b","latency_ms":null,"name":"","reason":"other network","score":0.0,"state":"other network, next try in 9 s","static":false,"tip":null}`
	want(t, n.do("GET", "/peers", ""), 200, `{"count":2,`+nodes+`"peers":[`+a+","+b+"]}\n")
	want(t, n.do("GET", "/peers?from=2&limit=1", ""), 200, `{"count":2,`+nodes+`"peers":[`+b+"]}\n")
	if n.net.looks != 3 {
		t.Errorf("peers were asked for theirs %d times, want 3", n.net.looks)
	}
}

func TestHealthAndReadiness(t *testing.T) {
	n := start(t, Config{})
	chaintest.MineOn(t, n.chain, 2)
	want(t, n.do("GET", "/healthz", ""), 200, `{"status":"ok"}`+"\n")
	for _, c := range []struct {
		status SyncStatus
		code   int
		body   string
	}{
		{SyncStatus{}, 200, `{"height":3,"peers":0,"ready":true,"target":3}`},
		{SyncStatus{Active: true, Target: 50}, 503, `{"height":3,"peers":0,"ready":false,"target":50}`},
		{SyncStatus{Active: true, Target: 3}, 200, `{"height":3,"peers":0,"ready":true,"target":3}`},
		{SyncStatus{Active: false, Target: 50}, 200, `{"height":3,"peers":0,"ready":true,"target":50}`},
	} {
		n.net.status = c.status
		want(t, n.do("GET", "/readyz", ""), c.code, c.body+"\n")
	}
}

// TestReadyOnceAPeerHasToldItsHeight: until then nobody knows whether the chain is behind.
func TestReadyOnceAPeerHasToldItsHeight(t *testing.T) {
	n := start(t, Config{})
	client := NewClient(listen(t, n.Handler()))
	silent, told := Peer{ID: "a", Connected: true}, Peer{ID: "b", Connected: true, Height: 1}
	for _, c := range []struct {
		name   string
		peers  []Peer
		status SyncStatus
		ready  bool
	}{
		{"alone", nil, SyncStatus{}, true},
		{"remembers one that it is not connected to", []Peer{{ID: "c"}}, SyncStatus{}, true},
		{"remembers the height of one that has left", []Peer{silent, {ID: "c", Height: 9}}, SyncStatus{}, false},
		{"one, silent", []Peer{silent}, SyncStatus{}, false},
		{"two, one of them silent", []Peer{silent, told}, SyncStatus{}, true},
		{"told, and syncing", []Peer{told}, SyncStatus{Active: true, Target: 9}, false},
	} {
		n.net.peers, n.net.status = c.peers, c.status
		w := n.do("GET", "/readyz", "")
		if ready := w.Code == 200; ready != c.ready || !ready && w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
		if err := client.Health(t.Context(), true); (err == nil) != c.ready || c.status.Active == false && err != nil && !strings.Contains(err.Error(), "told its height") {
			t.Errorf("%s: the client says %v", c.name, err)
		}
	}
}

// TestNodeIsOneMoment: a payment is either pending or below the tip, also if its block comes while GET /node is answered.
func TestNodeIsOneMoment(t *testing.T) {
	n := start(t, Config{})
	const payments = 2000
	rules, parent := n.chain.Rules(), n.chain.Tip()
	var blocks []*consensus.Block
	for range payments {
		p := chaintest.Payment()
		if _, err := n.chain.Submit(p, ""); err != nil {
			t.Fatal(err)
		}
		b := chaintest.Block(t, rules, parent, "miner", chaintest.Transactions(p)...)
		blocks, parent = append(blocks, b), b.Header()
	}
	var adding sync.WaitGroup
	adding.Go(func() {
		for _, b := range blocks {
			if _, err := n.chain.Add(b, "peer"); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for height := int64(0); height <= payments && !t.Failed(); {
		var v api.Node
		if err := json.Unmarshal(n.do("GET", "/node", "").Body.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		if height = v.Height; v.Pool.Transactions != payments+1-int(height) {
			t.Errorf("at block %d, %d of %d payments are pending", height, v.Pool.Transactions, payments)
		}
	}
	adding.Wait()
}
