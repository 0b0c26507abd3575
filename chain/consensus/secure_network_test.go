package consensus_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kuai/chain/consensus"
	"kuai/chain/wallet"
)

// secureFile is the text of a network file with these members, and a genesis with these transactions.
func secureFile(members, transactions string) []byte {
	return fmt.Appendf(nil, `{"name": "class 5c", "profile": "secure", "genesis": {"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 1790000000, `+
		`"transactions": [%s]}%s}`, transactions, members)
}

func endowment(amount, name string) string {
	return fmt.Sprintf(`{"amount": %s, "recipient": "%s", "sender": "0"}`, amount, wallet.DevelopmentKey(name).Address())
}

func TestReadSecureRules(t *testing.T) {
	first := "00000fffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
	r, err := consensus.ReadRules(secureFile(`, "block_seconds": 600, "first_target": "`+first+`", "reward": 50, "version": 2, `+
		`"limits": {"block_bytes": 65536, "block_transactions": 100, "transaction_bytes": 1024}`, endowment("7", "alice")+", "+endowment("8", "bob")))
	if err != nil {
		t.Fatal(err)
	}
	want := *consensus.Secure()
	want.Name, want.Genesis, want.Reward, want.BlockTime, want.MaxAhead = "class 5c", r.Genesis, "50", 10*time.Minute, 30*time.Minute
	want.MaxBlockBytes, want.MaxBlockTransactions, want.MaxTransactionBytes = 65536, 100, 1024
	if want.First, err = consensus.ParseTarget(first); err != nil || *r != want {
		t.Errorf("got %+v, want %+v, %v", *r, want, err)
	}
	var given []string
	for e := range r.Endowments() {
		given = append(given, fmt.Sprint(e.Recipient, e.Amount, e.Reward))
	}
	if want := fmt.Sprint(wallet.DevelopmentKey("alice").Address(), 7, true); len(given) != 2 || given[0] != want {
		t.Errorf("endowments %q", given)
	}
	if b, err := r.ParseBlock(r.Genesis.Canonical()); err != nil || b != r.Genesis || len(b.Transactions()) != 2 {
		t.Errorf("the genesis: %v", err)
	}
}

func TestReadSecureRulesRefuses(t *testing.T) {
	for name, c := range map[string]struct{ members, transactions, want string }{
		"zeros":                         {`, "zeros": 4`, "", `unknown key "zeros"`},
		"version 1":                     {`, "version": 1`, "", "from 2 to 2"},
		"block time 0":                  {`, "block_seconds": 0`, "", "from 1 to 86400"},
		"a block time of two days":      {`, "block_seconds": 172800`, "", "from 1 to 86400"},
		"a target that is too easy":     {`, "first_target": "0001000000000000000000000000000000000000000000000000000000000000"`, "", "is not from 1 to"},
		"a target that is a number":     {`, "first_target": 5`, "", "expected 64 hex digits"},
		"a reward of a fraction":        {`, "reward": 1.5`, "", "expected an integer"},
		"a reward past the largest":     {`, "reward": 1000000001`, "", "from 1 to 1000000000"},
		"a clock's bound":               {`, "limits": {"ahead_seconds": 60}`, "", `unknown key "ahead_seconds"`},
		"payments without room":         {`, "limits": {"transaction_bytes": 128}`, "", "from 512"},
		"an endowment of 0":             {"", endowment("0", "alice"), "not an integer from 1"},
		"an endowment of 1.0":           {"", endowment("1.0", "alice"), "not an integer from 1"},
		"endowments past the largest":   {"", endowment("9007199254740991", "alice") + ", " + endowment("1", "bob"), "more than 2^53-1"},
		"an endowment for a name":       {"", `{"amount": 1, "recipient": "alice", "sender": "0"}`, "want the 52"},
		"an endowment from somebody":    {"", strings.Replace(endowment("1", "alice"), `"0"`, `"1"`, 1), `is "0", not`},
		"an endowment with an id":       {"", strings.Replace(endowment("1", "alice"), `, "recipient"`, `, "id": "00", "recipient"`, 1), `unknown key "id"`},
		"transactions that are numbers": {"", "5", `key "amount" is missing`},
	} {
		if _, err := consensus.ReadRules(secureFile(c.members, c.transactions)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for name, text := range map[string]string{
		"another profile":           `{"name": "a", "profile": "fast", "genesis": ` + flaskGenesis + `}`,
		"a classic network's pace":  `{"name": "a", "block_seconds": 10, "genesis": ` + flaskGenesis + `}`,
		"the classic genesis":       `{"name": "a", "profile": "secure", "genesis": ` + string(consensus.Classic().Genesis.Canonical()) + `}`,
		"a classic genesis that is": `{"name": "a", "genesis": ` + string(consensus.Dev().Genesis.Canonical()) + `}`,
	} {
		if _, err := consensus.ReadRules([]byte(text)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestSecureNetworkID: whatever two nodes must agree on is in the id.
func TestSecureNetworkID(t *testing.T) {
	seen := map[string]string{consensus.Secure().Network(): "secure", consensus.Dev().Network(): "dev", consensus.Classic().Network(): "classic"}
	for _, c := range [][2]string{
		{"", ""}, {`, "block_seconds": 11`, ""}, {`, "reward": 2`, ""}, {"", endowment("1", "alice")}, {"", endowment("2", "alice")},
		{`, "first_target": "0000fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe"`, ""},
		{`, "limits": {"block_bytes": 262143}`, ""}, {`, "limits": {"block_transactions": 1999}`, ""}, {`, "limits": {"transaction_bytes": 4095}`, ""},
	} {
		r, err := consensus.ReadRules(secureFile(c[0], c[1]))
		if err != nil {
			t.Fatal(err)
		}
		id := r.Network()
		if other, ok := seen[id]; ok || !strings.HasSuffix(id, "-2") {
			t.Errorf("%q and %q are both %s", c, other, id)
		}
		seen[id] = strings.Join(c[:], "")
	}
}

// TestBuiltInSecureNetworks holds their ids: a change of any rule would split the networks that exist.
func TestBuiltInSecureNetworks(t *testing.T) {
	for want, r := range map[string]*consensus.Rules{"secure": consensus.Secure(), "dev": consensus.Dev()} {
		if r.Name != want || !r.IsSecure() || r.BlockTime != 10*time.Second || r.MaxAhead != 30*time.Second {
			t.Errorf("%+v", r)
		}
	}
	if got := consensus.Secure().Network() + " " + consensus.Dev().Network(); got != "5eec906592716bf5-2 6f609d95ef357716-2" {
		t.Errorf("the networks are %s", got)
	}
	i := 0
	for e := range consensus.Dev().Endowments() {
		if e.Recipient != wallet.DevelopmentKey(wallet.DevelopmentNames[i]).Address() || e.Amount != 1000 {
			t.Errorf("endowment %d: %+v", i, e)
		}
		i++
	}
	if i != len(wallet.DevelopmentNames) {
		t.Errorf("%d endowments", i)
	}
}
