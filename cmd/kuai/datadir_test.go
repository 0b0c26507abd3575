package main

import (
	"os"
	"path/filepath"
	"testing"

	"kuai/chain/consensus"
)

func TestUsualDirIsNamedByTheNetwork(t *testing.T) {
	r, err := consensus.ReadRules(networkFile("a", []byte(`{"index": 1, "previous_hash": 1, "proof": 100, "timestamp": 1.5, "transactions": []}`)))
	if err != nil {
		t.Fatal(err)
	}
	home, cfg := t.TempDir(), &Config{Network: "a.json", Port: 5001}
	mine, former := filepath.Join(home, r.Network(), "5001"), filepath.Join(home, r.GenesisNetwork(), "5001")
	for _, step := range []struct{ made, want string }{
		{home, mine},
		{former, former}, // of a program whose ids covered the genesis alone
		{mine, mine},
	} {
		if err := os.MkdirAll(step.made, 0o700); err != nil {
			t.Fatal(err)
		}
		if got := usualDir(home, cfg, r); got != step.want {
			t.Errorf("with %s there, the chain is in %s, want %s", step.made, got, step.want)
		}
	}
	if got, want := usualDir(home, &Config{Network: classic, Port: 5000}, consensus.Classic()), filepath.Join(home, "classic", "5000"); got != want {
		t.Errorf("the classic chain is in %s, want %s", got, want)
	}
}
