package p2p_test

import (
	"strings"
	"testing"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
)

func TestPeersTellTheirNames(t *testing.T) {
	r := chaintest.Rules()
	named, silent := runNode(t, r, func(cfg *p2p.Config) { cfg.Name = "Anna's laptop" }), runNode(t, r, nil)
	if err := silent.Connect(named.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the name is known", func() bool {
		p, _ := silent.peer(named.ID())
		return p.Name == "Anna's laptop"
	})
	hosttest.Eventually(t, "the other has said its status", func() bool {
		p, _ := named.peer(silent.ID())
		return p.Height > 0
	})
	if p, _ := named.peer(silent.ID()); p.Name != "" {
		t.Errorf("a node without a name is called %q", p.Name)
	}
	id := named.ID()
	named.stop()
	hosttest.Eventually(t, "it keeps its name while it is away", func() bool {
		p, ok := silent.peer(id)
		return ok && !p.Connected && p.Name == "Anna's laptop"
	})
}

// TestNamesAreInTheLog: beside the peer that said it, and that sent a block.
func TestNamesAreInTheLog(t *testing.T) {
	r := chaintest.Rules()
	named, other := runNode(t, r, func(cfg *p2p.Config) { cfg.Name = "lab-pc-7" }), runNode(t, r, nil)
	if err := other.Connect(named.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the name is told", func() bool { return strings.Contains(other.log.String(), "peer says its name") })
	chaintest.MineOn(t, named.c, 1)
	hosttest.Eventually(t, "the block is told with the name", func() bool {
		for line := range strings.Lines(other.log.String()) {
			if strings.Contains(line, "block received") && strings.Contains(line, "name=lab-pc-7") {
				return true
			}
		}
		return false
	})
}

func TestHostileNameIsRefusedInTheConfig(t *testing.T) {
	cfg := p2p.Config{Identity: hosttest.Key(t), Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Name: "a\nb"}
	if _, err := p2p.New(cfg, chaintest.Open(t, chaintest.Rules()), (&hosttest.Log{}).Logger()); err == nil || !strings.Contains(err.Error(), `"a\nb"`) {
		t.Errorf("%v", err)
	}
}
