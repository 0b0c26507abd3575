package p2p

import (
	"testing"

	"github.com/libp2p/go-libp2p"

	"kuai/p2p/hosttest"
	"kuai/p2p/peers"
)

// TestHostDialsAlways checks that a daemon's host has none of libp2p's black hole detectors, which refuse dials after an outage. The
// simulated hosts of TestLongOutageEnds have the same option.
func TestHostDialsAlways(t *testing.T) {
	opts, err := hostOptions(Config{Identity: hosttest.Key(t), QUIC: true}, &peers.Gater{})
	if err != nil {
		t.Fatal(err)
	}
	var cfg libp2p.Config
	if err := cfg.Apply(opts...); err != nil {
		t.Fatal(err)
	}
	if !cfg.CustomUDPBlackHoleSuccessCounter || cfg.UDPBlackHoleSuccessCounter != nil {
		t.Error("the host may refuse to dial QUIC addresses")
	}
	if !cfg.CustomIPv6BlackHoleSuccessCounter || cfg.IPv6BlackHoleSuccessCounter != nil {
		t.Error("the host may refuse to dial IPv6 addresses")
	}
}
