package p2p_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
)

// TestPeersAskedForAreBounded asks for one peer more than may be kept, and again for those that are.
func TestPeersAskedForAreBounded(t *testing.T) {
	cfg := p2p.Config{Identity: hosttest.Key(t), Listen: []string{"/ip4/127.0.0.1/tcp/0"}}
	n, err := p2p.New(cfg, chaintest.Open(t, chaintest.Rules()), (&hosttest.Log{}).Logger())
	if err != nil {
		t.Fatal(err)
	}
	defer n.Host().Close()
	const most = 1024
	at := func(i int) string { return fmt.Sprintf("/ip4/127.0.0.1/tcp/9/p2p/%s", numbered(i)) }
	for range 2 {
		for i := range most {
			if err := n.Connect(at(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := n.Connect(at(most)); err == nil || !strings.Contains(err.Error(), "disconnect one first") {
		t.Errorf("one peer more: %v", err)
	}
	if err := n.Disconnect(numbered(0).String()); err != nil {
		t.Fatal(err)
	}
	if err := n.Connect(at(most)); err != nil {
		t.Errorf("in place of one that is forgotten: %v", err)
	}
}

// numbered is a peer id without a key.
func numbered(i int) peer.ID {
	return peer.ID(append([]byte{0x12, 0x20}, fmt.Appendf(nil, "%032d", i)...))
}
