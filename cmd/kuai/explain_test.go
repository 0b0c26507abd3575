package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/miner"
	"kuai/p2p"
	"kuai/rpc"
)

// TestRefusalsInWordsOfTheCommandLine: no verb tells its user to send a header or a request.
func TestRefusalsInWordsOfTheCommandLine(t *testing.T) {
	c, log := chaintest.Open(t, consensus.Classic()), newLog(Config{LogLevel: "error"}, t.Output())
	m := miner.New(c, "me", miner.Options{Cores: 1}, log)
	serve := func(cfg rpc.Config) string {
		s := httptest.NewServer(rpc.New(cfg, c, noPeers{network{Node: &p2p.Node{}}}, mining{m}, log).Handler())
		t.Cleanup(s.Close)
		return s.URL
	}
	open, closed := serve(rpc.Config{}), serve(rpc.Config{Token: "secret"})
	foreign := httptest.NewServer(http.NotFoundHandler())
	defer foreign.Close()
	wrong := write(t, "wrong\n")
	for _, v := range []struct {
		args []string
		says string
	}{
		{[]string{"send", "a", "b", "1", "--api", closed}, "--api-token-file"},
		{[]string{"mine", "--api", closed}, "--api-token-file"},
		{[]string{"mine", "--mode", "instant", "--api", closed}, "--api-token-file"},
		{[]string{"connect", "127.0.0.1:1", "--api", closed}, "--api-token-file"},
		{[]string{"disconnect", "127.0.0.1:1", "--api", closed}, "--api-token-file"},
		{[]string{"mine", "--api", closed, "--api-token-file", wrong}, "the token in " + wrong + " is not this node's"},
		{[]string{"block", "7", "--api", open}, "holds no block"},
		{[]string{"tx", strings.Repeat("0", 32), "--api", open}, "knows no transaction"},
		{[]string{"status", "--api", foreign.URL}, "another program"},
		{[]string{"status", "--api", "http://127.0.0.1:1"}, "no node answers at http://127.0.0.1:1 (connect: connection refused): start one with 'kuai daemon'"},
		{[]string{"status", "--api", "127.0.0.1:1"}, "no node answers at http://127.0.0.1:1"},
	} {
		code, out, errOut := kuai(nil, v.args...)
		if code != exitFailure || !strings.Contains(errOut, v.says) {
			t.Errorf("%q: exit code %d, says %s%q, want %q", v.args, code, out, errOut, v.says)
		}
		for _, word := range []string{"header", "Header", "Location", "GET /", "POST /", "curl"} {
			if strings.Contains(errOut, word) {
				t.Errorf("%q: says %q: %s", v.args, word, errOut)
			}
		}
	}
}

// noPeers is a network that lists nobody.
type noPeers struct{ network }

func (noPeers) Peers() []rpc.Peer { return nil }

func (noPeers) Registered() []rpc.Registered { return nil }

func (noPeers) RefreshPeerLists() {}

func TestNamesOf(t *testing.T) {
	for word, want := range map[string]string{
		"http://127.0.0.1:5001":            "127.0.0.1:5001",
		"https://node.example/":            "node.example",
		"127.0.0.1:5001":                   "127.0.0.1:5001",
		"12D3Koo":                          "12D3Koo",
		"/ip4/192.0.2.1/tcp/1/p2p/12D3Koo": "/ip4/192.0.2.1/tcp/1/p2p/12D3Koo 12D3Koo",
	} {
		if got := strings.Join(namesOf(word), " "); got != want {
			t.Errorf("%s: %s, want %s", word, got, want)
		}
	}
}
