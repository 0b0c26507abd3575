package p2p

import (
	"fmt"
	"log/slog"
	"testing"

	"kuai/chain/chaintest"
	"kuai/p2p/hosttest"
	"kuai/p2p/stream"
)

// TestProtocolSaysTheLimits holds docs/PROTOCOL.md against the limits of hosts and of stream protocols.
func TestProtocolSaysTheLimits(t *testing.T) {
	cfg := Config{Identity: hosttest.Key(t), Lab: NewLab(), Teacher: func(string) bool { return false }}
	n, err := New(cfg, chaintest.Open(t, chaintest.Rules()), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer n.h.Close()
	want := []string{
		fmt.Sprintf("A node has at most %d connections, %d of them from outside, %d with one peer, and %d in their handshake", maxConns, maxConnsInbound, maxPeerConns, maxPending),
		fmt.Sprintf("One public address has %d connections at most, and opens %d at once and then %d a second", maxPublicConns, publicBurst, publicRate),
		fmt.Sprintf("A node with %d peers refuses others after the security handshake", maxPeers),
		fmt.Sprintf("Above %d connections some that are older than %.0f s are closed, down to %d", highWater, grace.Seconds(), lowWater),
		fmt.Sprintf("One peer has %d streams at most", maxPeerStreams),
	}
	for _, name := range []string{stream.Status, stream.Sync, stream.Blocks, stream.Pool, stream.Peers, stream.Sides} {
		l := n.server.Limit(name)
		want = append(want, fmt.Sprintf("| %s | %d | %d | %v (%d) | %.0f s |", name, l.PerPeer, l.Total, l.Rate, l.Burst, l.Within.Seconds()))
	}
	hosttest.Documented(t, "../docs/PROTOCOL.md", want...)
}
