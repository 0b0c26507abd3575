package consensus_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// flaskGenesis is a genesis as a running Flask chain has it: the tutorial's older code says 1, not "1".
const flaskGenesis = `{"index": 1, "previous_hash": 1, "proof": 100, "timestamp": 1700000000.123456, "transactions": []}`

func TestReadRulesTakesWhatTheFileSays(t *testing.T) {
	r, err := consensus.ReadRules([]byte(`{"name": "class 5b", "version": 1, "genesis": ` + flaskGenesis + `, "zeros": 3, "reward": 2.5,
		"limits": {"block_bytes": 65536, "block_transactions": 100, "transaction_bytes": 2048, "name_bytes": 64, "ahead_seconds": 60}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(r.Genesis.Canonical()); got != flaskGenesis {
		t.Errorf("genesis %s", got)
	}
	if h := r.Genesis.Header(); h.Index != 1 || h.Proof != 100 || h.Timestamp != 1700000000.123456 || h.Previous != (consensus.Hash{}) {
		t.Errorf("genesis header %+v", h)
	}
	want := consensus.Rules{
		Name: "class 5b", Profile: consensus.ProfileClassic, Version: 1, Genesis: r.Genesis, Zeros: 3, Reward: "2.5",
		MaxBlockBytes: 65536, MaxBlockTransactions: 100, MaxTransactionBytes: 2048, MaxNameBytes: 64, MaxAhead: time.Minute,
	}
	if *r != want {
		t.Errorf("got %+v, want %+v", *r, want)
	}
	if r.Network() == consensus.Classic().Network() {
		t.Error("another genesis has the classic network's id")
	}
}

func TestReadRulesLeavesTheRestClassic(t *testing.T) {
	r, err := consensus.ReadRules([]byte(`{"genesis": ` + flaskGenesis + `, "name": "class", "limits": {}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := *consensus.Classic()
	want.Name, want.Genesis = "class", r.Genesis
	if *r != want {
		t.Errorf("got %+v, want %+v", *r, want)
	}
}

func TestReadRulesRefuses(t *testing.T) {
	classic := string(consensus.Classic().Genesis.Canonical())
	genesis := func(old, with string) string {
		return `{"name": "a", "genesis": ` + strings.Replace(flaskGenesis, old, with, 1) + `}`
	}
	with := func(members string) string { return `{"name": "a", "genesis": ` + flaskGenesis + `, ` + members + `}` }
	for name, c := range map[string]struct{ text, want string }{
		"no JSON":                           {`{`, "at byte 1"},
		"an array":                          {`[]`, "an object"},
		"no name":                           {`{"genesis": ` + flaskGenesis + `}`, "required"},
		"no genesis":                        {`{"name": "a"}`, "required"},
		"an unknown key":                    {with(`"zeroes": 3`), `"zeroes"`},
		"an unknown limit":                  {with(`"limits": {"blocks": 3}`), `"blocks"`},
		"a name that is a number":           {with(`"zeros": 3`)[:9] + `5, "genesis": ` + flaskGenesis + `}`, "name"},
		"17 zeros":                          {with(`"zeros": 17`), "0 to 16"},
		"-1 zeros":                          {with(`"zeros": -1`), "0 to 16"},
		"zeros in words":                    {with(`"zeros": "3"`), "zeros"},
		"zeros as a float":                  {with(`"zeros": 3.0`), "zeros"},
		"version 2":                         {with(`"version": 2`), "version"},
		"no reward":                         {with(`"reward": 0`), "reward"},
		"a reward in words":                 {with(`"reward": "1"`), "reward"},
		"blocks too small":                  {with(`"limits": {"block_bytes": 1023}`), "1024 to"},
		"blocks too large":                  {with(`"limits": {"block_bytes": 1048577}`), "to 1048576"},
		"blocks too small for a payment":    {with(`"limits": {"block_bytes": 1024}`), `"transaction_bytes" to 413 or less`},
		"blocks a byte too small":           {with(`"limits": {"block_bytes": 1024, "transaction_bytes": 414}`), "413 or less"},
		"blocks too small for long names":   {with(`"limits": {"block_bytes": 65536, "transaction_bytes": 65536, "name_bytes": 5000}`), "35294 or less"},
		"limits that are a number":          {with(`"limits": 5`), "limits"},
		"genesis: no object":                {`{"name": "a", "genesis": 5}`, "genesis"},
		"genesis: a key more":               {genesis(`{`, `{"hash": 1, `), `"hash"`},
		"genesis: index 2":                  {genesis(`"index": 1`, `"index": 2`), "index 1"},
		"genesis: proof a float":            {genesis(`"proof": 100`, `"proof": 100.0`), "proof"},
		"genesis: proof below 0":            {genesis(`"proof": 100`, `"proof": -1`), "proof"},
		"genesis: no timestamp":             {genesis(`1700000000.123456`, `null`), "timestamp"},
		"genesis: previous_hash a list":     {genesis(`"previous_hash": 1`, `"previous_hash": []`), "previous_hash"},
		"genesis: transactions":             {genesis(`[]`, `[1]`), "no transactions"},
		"classic genesis under other rules": {`{"name": "a", "zeros": 3, "genesis": ` + classic + `}`, "genesis of their own"},
	} {
		if _, err := consensus.ReadRules([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error that says %s", name, err, c.want)
		}
	}
	if _, err := consensus.ReadRules([]byte(`{"name": "my classic", "genesis": ` + classic + `}`)); err != nil {
		t.Errorf("the classic network under another name: %v", err)
	}
}

// TestEveryPaymentFitsInABlock: under limits that a network file may set, the largest payment is in a block beside the largest reward.
func TestEveryPaymentFitsInABlock(t *testing.T) {
	for _, limits := range []string{
		`{}`,
		`{"block_bytes": 1024, "transaction_bytes": 413}`,
		`{"block_bytes": 1024, "transaction_bytes": 600, "name_bytes": 29}`,
		`{"block_bytes": 1024, "name_bytes": 29}`,
		`{"block_bytes": 8192}`,
		`{"block_bytes": 1048576, "transaction_bytes": 1048576, "name_bytes": 50000}`,
	} {
		r, err := consensus.ReadRules([]byte(`{"name": "a", "zeros": 0, "genesis": ` + flaskGenesis + `, "limits": ` + limits + `}`))
		if err != nil {
			t.Errorf("%s: %v", limits, err)
			continue
		}
		name := strings.Repeat("\x00", r.MaxNameBytes)
		p := chaintest.Payment().Transaction()
		p.Sender, p.Recipient, p.Amount = name, name, "2.2250738585072014e-308"
		squeeze(&p, &p.Sender, r.MaxTransactionBytes)
		squeeze(&p, &p.Recipient, r.MaxTransactionBytes)
		reward := chaintest.Reward(r, name)
		squeeze(&reward, &reward.Recipient, r.MaxTransactionBytes)
		c := chaintest.Open(t, r)
		if _, err := submitTo(c, p); err != nil {
			t.Fatalf("%s: %v", limits, err)
		}
		if work := c.Draft(reward.Recipient); len(work.Payments) != 1 {
			t.Errorf("%s: a payment of %d bytes fits in no block", limits, len(p.AppendCanonical(nil)))
		}
	}
}

// squeeze shortens a name that is all \x00, 6 bytes each, until t has at most that many bytes.
func squeeze(t *consensus.Transaction, name *string, most int) {
	over := len(t.AppendCanonical(nil)) - most
	if over <= 0 {
		return
	}
	cut := min((over+5)/6, len(*name)-1)
	*name = (*name)[cut:] + strings.Repeat("a", max(0, 6*cut-over))
}

func TestProofsAreTheTutorials(t *testing.T) {
	last := consensus.Classic().Genesis.Hash()
	for zeros := range 4 {
		r := *consensus.Classic()
		r.Zeros = zeros
		valid := 0
		for _, lastProof := range []int64{0, 100, consensus.MaxProof - 1} {
			for proof := range int64(10_000) {
				sum := fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%d%d%s", lastProof, proof, last)))
				want := strings.HasPrefix(sum, strings.Repeat("0", zeros))
				if got := r.ValidProof(lastProof, proof, last); got != want {
					t.Fatalf("ValidProof(%d, %d) with %d zeros is %v, the hash is %s", lastProof, proof, zeros, got, sum)
				}
				if want {
					valid++
				}
			}
		}
		if valid == 0 {
			t.Errorf("no proof with %d zeros was seen", zeros)
		}
	}
}

func TestCheckLinkNamesWhatIsBroken(t *testing.T) {
	s := setting(t, consensus.Classic())
	payload := []consensus.Transaction{{Sender: consensus.RewardSender, Recipient: "n", Amount: "1"}}
	block := func(parent consensus.Header, proof int64) *consensus.Block {
		b, err := s.Rules.NewBlock(parent, proof, 1, payload)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := int64(0)
	for !s.Rules.ValidProof(s.Parent.Proof, good, s.Parent.Hash) {
		good++
	}
	higher := s.Parent
	higher.Index++
	other := s.Parent
	other.Hash[0] ^= 1
	for name, c := range map[string]struct {
		block *consensus.Block
		want  consensus.Rule
	}{
		"extends":              {block(s.Parent, good), ""},
		"another parent":       {block(other, good), consensus.RuleParent},
		"an index too high":    {block(higher, good), consensus.RuleIndexStep},
		"a proof that is none": {block(s.Parent, good-1), consensus.RuleProof},
	} {
		err := s.Rules.CheckLink(s.Parent, c.block)
		var invalid *consensus.InvalidError
		if errors.As(err, &invalid) != (c.want != "") || invalid != nil && invalid.Rule != c.want {
			t.Errorf("%s: %v, want the rule %q", name, err, c.want)
		}
	}
}

func TestNewBlockRefusesWhatParseBlockRefuses(t *testing.T) {
	r := consensus.Classic()
	reward := consensus.Transaction{Sender: consensus.RewardSender, Recipient: "n", Amount: "1"}
	bad := reward
	bad.Amount = "2"
	for name, c := range map[string]struct {
		at   float64
		txs  []consensus.Transaction
		want consensus.Rule
	}{
		"no reward":            {1, nil, consensus.RuleTransactionCount},
		"a large reward":       {1, []consensus.Transaction{bad}, consensus.RuleReward},
		"before 1970":          {-1, []consensus.Transaction{reward}, consensus.RuleTimestamp},
		"an amount of letters": {1, []consensus.Transaction{{Sender: "a", Recipient: "b", Amount: "x"}, reward}, consensus.RuleCanonical},
	} {
		_, err := r.NewBlock(r.Genesis.Header(), 0, c.at, c.txs)
		var invalid *consensus.InvalidError
		if !errors.As(err, &invalid) || invalid.Rule != c.want {
			t.Errorf("%s: %v, want the rule %q", name, err, c.want)
		}
	}
}

// submitTo checks t by c's rules and puts it into its pool.
func submitTo(c *chain.Chain, t consensus.Transaction) (next int64, err error) {
	p, err := c.Rules().NewPayment(t)
	if err != nil {
		return 0, err
	}
	return c.Submit(p, "")
}
