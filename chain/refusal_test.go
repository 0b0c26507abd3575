package chain_test

import (
	"errors"
	"testing"
	"time"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// TestRefusals breaks each rule that only the state can judge, on the tip and on a side branch.
func TestRefusals(t *testing.T) {
	paid := chaintest.Payment()
	tree := chaintest.New(t).Pay(paid.Transaction()).Mine(3)
	trunk := tree.Branch()
	r := tree.Rules()
	seal := func(parent consensus.Header, proof int64, at float64, txs ...consensus.Transaction) *consensus.Block {
		b, err := r.NewBlock(parent, proof, at, append(txs, chaintest.Reward(r, "m")))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, where := range []struct {
		name   string
		parent consensus.Header
	}{{"tip", trunk[3].Header()}, {"side", trunk[1].Header()}} {
		proof := chaintest.Proof(r, where.parent)
		later := where.parent
		later.Index++
		wrong := proof + 1
		for r.ValidProof(where.parent.Proof, wrong, where.parent.Hash) {
			wrong++
		}
		for _, tc := range []struct {
			name  string
			block *consensus.Block
			rule  consensus.Rule
			err   error
		}{
			{"index", seal(later, proof, 1.7e9), consensus.RuleIndexStep, nil},
			{"proof", seal(where.parent, wrong, 1.7e9), consensus.RuleProof, nil},
			{"id on the branch", seal(where.parent, proof, 1.7e9, paid.Transaction()), consensus.RuleDuplicateID, nil},
			{"future", seal(where.parent, proof, float64(time.Now().Add(3*time.Hour).Unix())), "", consensus.ErrFuture},
		} {
			t.Run(where.name+" "+tc.name, func(t *testing.T) {
				c := chaintest.Open(t, r)
				addAll(t, c, trunk)
				for range 2 { // the second time it is remembered, or judged again
					_, err := c.Add(tc.block, "peer")
					if refusal(err) != tc.rule || tc.err != nil && !errors.Is(err, tc.err) {
						t.Errorf("refused with %v, want %q %v", err, tc.rule, tc.err)
					}
				}
				if c.Tip() != trunk[3].Header() || c.Has(tc.block.Hash()) {
					t.Error("it changed the state")
				}
				if tc.rule != "" {
					child := chaintest.Block(t, r, tc.block.Header(), "m")
					if _, err := c.Add(child, "peer"); refusal(err) != consensus.RuleParentInvalid {
						t.Errorf("its child: %v", err)
					}
				}
				honest := chaintest.Block(t, r, where.parent, "honest")
				if _, err := c.Add(honest, "peer"); err != nil {
					t.Errorf("an honest block on the same parent: %v", err)
				}
				sound(t, c)
			})
		}
	}
}

func TestFutureIsNotRemembered(t *testing.T) {
	r := chaintest.Rules()
	now := time.Unix(1_700_000_000, 0)
	c := chaintest.OpenAt(t, r, func() time.Time { return now })
	parent := r.Genesis.Header()
	b, err := r.NewBlock(parent, chaintest.Proof(r, parent), float64(now.Add(r.MaxAhead+time.Second).Unix()), []consensus.Transaction{chaintest.Reward(r, "m")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Add(b, ""); !errors.Is(err, consensus.ErrFuture) {
		t.Fatalf("a second too early: %v", err)
	}
	now = now.Add(time.Second)
	if _, err := c.Add(b, ""); err != nil {
		t.Errorf("at the last valid second: %v", err)
	}
}
