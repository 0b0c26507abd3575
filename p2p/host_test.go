package p2p_test

import (
	"log/slog"
	"reflect"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
	"kuai/p2p/peers"
)

// TestHostDialsAlways checks that a daemon's host has none of libp2p's black hole detectors, which refuse dials
// after an outage. The simulated hosts of TestLongOutageEnds have none either.
func TestHostDialsAlways(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	h, err := p2p.NewHost(p2p.Config{Identity: hosttest.Key(t), QUIC: true}, peers.NewGater("", "", nil, log), log)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	detector := reflect.ValueOf(h.Network()).Elem().FieldByName("bhd").Elem()
	for _, name := range []string{"udp", "ipv6"} {
		if !detector.FieldByName(name).IsNil() {
			t.Errorf("the host may refuse to dial: it has a detector for %s", name)
		}
	}
}

// TestQUICConnects: a host with QUIC reaches a node by it, and a host without does not.
func TestQUICConnects(t *testing.T) {
	server := runNode(t, chaintest.Rules(), func(c *p2p.Config) { c.QUIC, c.Listen = true, []string{"/ip4/127.0.0.1/udp/0/quic-v1"} })
	var address string
	for _, a := range server.Host().Addrs() {
		address = a.String()
	}
	dials(t, p2p.Config{QUIC: true}, server.ID(), address)
	log := slog.New(slog.DiscardHandler)
	h, err := p2p.NewHost(p2p.Config{Identity: hosttest.Key(t)}, peers.NewGater("", "", nil, log), log)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	info, err := peer.AddrInfoFromString(address + "/p2p/" + server.ID())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Connect(t.Context(), *info); err == nil {
		t.Error("connected without a transport")
	}
}
