package consensus_test

import (
	"os"
	"regexp"
	"testing"

	"kuai/chain/consensus"
)

// ruleFile returns the rules of a network file with the genesis of flaskGenesis and these members.
func ruleFile(t *testing.T, members string) *consensus.Rules {
	t.Helper()
	r, err := consensus.ReadRules([]byte(`{"name": "a", "genesis": ` + flaskGenesis + members + `}`))
	if err != nil {
		t.Fatalf("%s: %v", members, err)
	}
	return r
}

func TestNetworkIDCoversTheRules(t *testing.T) {
	files := []string{
		``, `, "zeros": 3`, `, "zeros": 5`, `, "reward": 2`, `, "reward": 1.0`,
		`, "limits": {"block_bytes": 262143}`, `, "limits": {"block_transactions": 1999}`, `, "limits": {"transaction_bytes": 4095}`,
		`, "limits": {"name_bytes": 255}`, `, "limits": {"ahead_seconds": 7201}`,
	}
	seen := map[string]string{consensus.Classic().Network(): "classic"}
	for _, members := range files {
		id := ruleFile(t, members).Network()
		if other, ok := seen[id]; ok {
			t.Errorf("%q and %q are both %s", members, other, id)
		}
		seen[id] = members
	}
}

func TestNetworkIDIsTheSameForTheSameRules(t *testing.T) {
	r := ruleFile(t, ``)
	spelt := ruleFile(t, `, "version": 1, "zeros": 4, "reward": 1, "limits": {"block_bytes": 262144, "block_transactions": 2000,
		"transaction_bytes": 4096, "name_bytes": 256, "ahead_seconds": 7200}`)
	renamed := *r
	renamed.Name = "b"
	for _, same := range []*consensus.Rules{spelt, &renamed} {
		if same.Network() != r.Network() {
			t.Errorf("%+v is %s, not %s", same, same.Network(), r.Network())
		}
	}
	if a, b := ruleFile(t, `, "reward": 2.5`), ruleFile(t, `, "reward": 2.50`); a.Network() != b.Network() {
		t.Error("one reward in two spellings makes two networks")
	}
	own, err := consensus.ReadRules([]byte(`{"name": "ours", "genesis": ` + string(consensus.Classic().Genesis.Canonical()) + `}`))
	if err != nil || own.Network() != "7fc07dc7599e3d61-1" {
		t.Errorf("the classic network under another name is %s, %v", own.Network(), err)
	}
}

// TestNetworkIDIsAsDocumented computes the id of the protocol page's example.
func TestNetworkIDIsAsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?m)^    (\\{\"name\": \"class\".*\\})\n(?:.*\n)*?    ([0-9a-f]{16}-1)$").FindStringSubmatch(string(text))
	if example == nil {
		t.Fatal("the page has no example of a network file and its id")
	}
	r, err := consensus.ReadRules([]byte(example[1]))
	if err != nil {
		t.Fatal(err)
	}
	if r.Network() != example[2] {
		t.Errorf("the file's network is %s, the page says %s", r.Network(), example[2])
	}
}
