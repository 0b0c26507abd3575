package p2p

import (
	"strings"
	"testing"

	"kuai/chain/chaintest"
)

func TestPeersTellTheirNames(t *testing.T) {
	r := chaintest.Rules()
	named, silent := runNode(t, r, func(cfg *Config) { cfg.Name = "Anna's laptop" }), runNode(t, r, nil)
	if err := silent.Connect(named.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the name is known", func() bool {
		p, _ := silent.peer(named.ID())
		return p.Name == "Anna's laptop"
	})
	eventually(t, "the other has said its status", func() bool {
		p, _ := named.peer(silent.ID())
		return p.Height > 0
	})
	if p, _ := named.peer(silent.ID()); p.Name != "" {
		t.Errorf("a node without a name is called %q", p.Name)
	}
}

func TestHostileNameIsRefusedInTheConfig(t *testing.T) {
	cfg := Config{Identity: newKey(t), Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Name: "a\nb"}
	if _, err := New(cfg, chaintest.Open(t, chaintest.Rules()), (&lines{}).logger()); err == nil || !strings.Contains(err.Error(), `"a\nb"`) {
		t.Errorf("%v", err)
	}
}
