package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"kuai/chain/consensus"
	"kuai/chain/wallet"
)

// network is what a story is told on.
type network struct {
	args    []string               // of its daemons
	payment func(id string) []byte // what is posted to pay five from alice to bob
}

var classic = network{payment: func(id string) []byte {
	return fmt.Appendf(nil, `{"sender": "alice", "recipient": "bob", "amount": 5, "id": "%s"}`, id)
}}

// secure returns a network on which alice has all there is, and signs where the test runs. Its first block is so old that a proof
// never takes more than the fewest tries.
func secure(t testing.TB) network {
	alice, bob := wallet.DevelopmentKey("alice"), wallet.DevelopmentKey("bob").Address().String()
	text := fmt.Appendf(nil, `{"name": "story", "profile": "secure", "genesis": {"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 1626739200.5, `+
		`"transactions": [{"amount": %d, "recipient": "%s", "sender": "0"}]}}`, consensus.MaxAmount, alice.Address())
	rules, err := consensus.ReadRules(text)
	file := filepath.Join(t.TempDir(), "network.json")
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return network{[]string{"--network", file}, func(id string) []byte {
		parsed, err := consensus.ParseID(id)
		if err != nil {
			t.Error(err)
		}
		p := consensus.Transaction{Recipient: bob, Amount: "5", ID: parsed, HasID: true}
		return alice.Sign(rules.Network(), p).AppendCanonical(nil)
	}}
}

// onEachProfile tells a story on a classic network and on a secure one.
func onEachProfile(t *testing.T, story func(t *testing.T, n network)) {
	t.Run("classic", func(t *testing.T) { story(t, classic) })
	t.Run("secure", func(t *testing.T) { story(t, secure(t)) })
}
