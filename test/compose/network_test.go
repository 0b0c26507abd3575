package compose

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"kuai/test/process"
)

// network is what a story is told on.
type network struct {
	file string // of its rules
	bob  string // the account that pay pays to
	pay  func(t *testing.T, service string) (id string)
}

// newClassic returns a network of its own with the tutorial's rules.
func newClassic(t *testing.T) network {
	n, paid := network{file: filepath.Join(t.TempDir(), "network.json"), bob: "bob"}, 0
	const own = `{"name": "compose", "genesis": {"index": 1, "previous_hash": "1", "proof": 100, "timestamp": %d.5, "transactions": []}}`
	write(t, n.file, fmt.Sprintf(own, rand.IntN(1_600_000_000)))
	n.pay = func(t *testing.T, service string) (id string) {
		t.Helper()
		paid++
		id = fmt.Sprintf("%032x", paid)
		body := fmt.Sprintf(`{"sender": "alice", "recipient": "bob", "amount": 5, "id": "%s"}`, id)
		if err := ask(service, "POST", "/transactions/new", body, 201, &struct{}{}); err != nil {
			t.Fatal(err)
		}
		return id
	}
	return n
}

// newSecure makes the wallets of alice and bob, whose keys no container ever has, and a network that gives alice 100.
func newSecure(t *testing.T) network {
	dir := t.TempDir()
	password, wallets := filepath.Join(dir, "password"), filepath.Join(dir, "wallets")
	write(t, password, "correct horse\n")
	var bob struct{ Address string }
	for _, name := range []string{"alice", "bob"} {
		kuai(t, &bob, wallets, "wallet", "new", name, "--password-file", password)
	}
	n := network{file: filepath.Join(dir, "network.json"), bob: bob.Address}
	kuai(t, &struct{}{}, wallets, "network", "new", "compose", "--block-time", "1s", "--endow", "alice=100", "--file", n.file)
	n.pay = func(t *testing.T, service string) string {
		t.Helper()
		var paid struct{ ID string }
		kuai(t, &paid, wallets, "send", "alice", "bob", "5", "--password-file", password, "--api", fmt.Sprintf("http://127.0.0.1:%d", ports[service]))
		return paid.ID
	}
	return n
}

// kuai runs a verb to its end, and reads the JSON that it prints.
func kuai(t *testing.T, answer any, wallets string, words ...string) {
	t.Helper()
	cmd := process.Command(append(words, "--json", "--wallet-dir", wallets)...)
	var says strings.Builder
	cmd.Stderr = &says
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, answer)
	}
	if err != nil {
		t.Fatalf("kuai %s: %v\n%s%s", strings.Join(words, " "), err, out, &says)
	}
}
