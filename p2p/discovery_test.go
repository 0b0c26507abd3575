package p2p

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"kuai/chain/chaintest"
)

// TestDeadPeersHoldUpNobody remembers one peer that lives and many that lived longer and are gone.
func TestDeadPeersHoldUpNobody(t *testing.T) {
	r := chaintest.Rules()
	living := runNode(t, r, func(*Config) {})
	info, err := parsePeer(living.Addresses()[0])
	if err != nil {
		t.Fatal(err)
	}
	file := []remembered{{ID: living.ID(), Addrs: []string{info.Addrs[0].String()}, Stayed: 1, Seen: 1}}
	for i := range 50 {
		file = append(file, remembered{ID: idOf(t, newKey(t)), Addrs: []string{fmt.Sprintf("/ip4/127.0.%d.1/tcp/9", i+1)}, Stayed: 3600, Seen: 1})
	}
	raw, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "peers.json"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	n := runNode(t, r, func(c *Config) { c.Dir = dir })
	await(t, "the living peer is connected", func() bool { return n.connectedTo(living) })
}
