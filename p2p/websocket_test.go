package p2p_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
	"kuai/p2p/peers"
	"kuai/test/process"
)

// TestWebSocketSharesThePort: a node that listens for both on one port takes peers that speak either.
func TestWebSocketSharesThePort(t *testing.T) {
	plain := fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", process.FreePort(t))
	server := runNode(t, chaintest.Rules(), func(c *p2p.Config) { c.Listen = []string{plain, plain + "/ws"} })
	for _, address := range []string{plain, plain + "/ws"} {
		for _, own := range []string{"/ip4/127.0.0.1/tcp/0/ws", "/ip4/127.0.0.1/tcp/0"} { // who does not listen for WebSocket dials it all the same
			dials(t, p2p.Config{Listen: []string{own}}, server.ID(), address)
		}
	}
}

// TestWebSocketWithASwarmKey: it has a port of its own, as nobody can tell what a connection speaks there.
func TestWebSocketWithASwarmKey(t *testing.T) {
	key := []byte("/key/swarm/psk/1.0.0/\n/base16/\n" + strings.Repeat("ab", 32) + "\n")
	plain, other := fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", process.FreePort(t)), fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/ws", process.FreePort(t))
	server := runNode(t, chaintest.Rules(), func(c *p2p.Config) { c.SwarmKey, c.Listen = key, []string{plain, other} })
	for _, address := range []string{plain, other} {
		for _, own := range []string{"/ip4/127.0.0.1/tcp/0/ws", "/ip4/127.0.0.1/tcp/0"} {
			dials(t, p2p.Config{SwarmKey: key, Listen: []string{own}}, server.ID(), address)
		}
	}
	if _, err := p2p.NewHost(p2p.Config{Identity: hosttest.Key(t), SwarmKey: key, Listen: []string{plain, plain + "/ws"}}, peers.NewGater("", "", nil, slog.New(slog.DiscardHandler)), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "another port") {
		t.Errorf("one port: %v", err)
	}
}

// dials connects a host of its own to address and to no other one.
func dials(t *testing.T, cfg p2p.Config, to, address string) {
	t.Helper()
	cfg.Identity = hosttest.Key(t)
	h, err := p2p.NewHost(cfg, peers.NewGater("", "", nil, slog.New(slog.DiscardHandler)), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	info, err := peer.AddrInfoFromString(address + "/p2p/" + to)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Connect(t.Context(), *info); err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	if !speaks(h, info.ID, strings.HasSuffix(address, "/ws")) {
		t.Errorf("%s: connected otherwise", address)
	}
}

// speaks reports whether the connection with p is by WebSocket, or by plain TCP.
func speaks(h host.Host, p peer.ID, webSocket bool) bool {
	if h.Network().Connectedness(p) != network.Connected {
		return false
	}
	for _, c := range h.Network().ConnsToPeer(p) {
		if strings.Contains(c.RemoteMultiaddr().String(), "/ws") != webSocket {
			return false
		}
	}
	return true
}
