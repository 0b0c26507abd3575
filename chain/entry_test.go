package chain_test

import (
	"errors"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// TestEveryDoorOfTheChainSaysTheSame takes each case to a chain whose tip the case extends: as a block from a peer, as the end
// of a page of blocks, and as a block mined here.
func TestEveryDoorOfTheChainSaysTheSame(t *testing.T) {
	for _, r := range []*consensus.Rules{chaintest.Rules(), chaintest.SecureRules()} {
		t.Run(string(r.Profile), func(t *testing.T) { everyDoor(t, r) })
	}
}

func everyDoor(t *testing.T, r *consensus.Rules) {
	b := chaintest.NewOn(t, r).Paying().Mine(3)
	blocks := b.Branch()
	now := time.Unix(1_800_000_000, 0)
	s := chaintest.Setting{Rules: b.Rules(), Parent: b.Tip(), Now: now, Mined: blocks[0].Transactions()[0].ID}
	doors := map[string]func(c *chain.Chain, raw []byte) error{
		"peer": func(c *chain.Chain, raw []byte) error {
			block, err := c.Rules().ParseBlock(raw)
			if err != nil {
				return err
			}
			_, err = c.Add(block, "peer")
			return err
		},
		"page": func(c *chain.Chain, raw []byte) error {
			run, _, err := c.Rules().ParseBlocks([][]byte{raw})
			if _, bad := c.AddBlocks(run, "peer"); bad != nil {
				return bad
			}
			return err
		},
		"miner": func(c *chain.Chain, raw []byte) error {
			block, err := c.Rules().ParseBlock(raw)
			if err != nil {
				return err
			}
			err = c.AddMined(block)
			if errors.Is(err, chain.ErrStale) { // it mines on the tip alone
				err = chain.ErrOrphan
			}
			return err
		},
	}
	cases := chaintest.BlockCases(s)
	for name, door := range doors {
		t.Run(name, func(t *testing.T) {
			c := chaintest.OpenAt(t, s.Rules, func() time.Time { return now })
			for _, block := range blocks {
				if _, err := c.Add(block, ""); err != nil {
					t.Fatal(err)
				}
			}
			valid := 0
			for _, tc := range cases {
				if tc.Rule == "" && tc.Err == nil {
					valid++
					continue
				}
				if err := tc.Check(door(c, tc.Raw)); err != nil {
					t.Error(err)
				}
				if c.Tip() != s.Parent || len(c.Forks()) != 0 {
					t.Fatalf("%s: the tip is %v, %d forks", tc.Name, c.Tip(), len(c.Forks()))
				}
			}
			if least := map[bool]int{false: 20, true: 8}[r.IsSecure()]; valid < least {
				t.Errorf("%d valid cases", valid)
			}
			for _, tc := range cases {
				if tc.Rule == "" && tc.Err == nil {
					takesAsTip(t, s, now, blocks, tc, door)
				}
			}
		})
	}
}

// takesAsTip fails the test where a new chain does not take a valid case as its tip.
func takesAsTip(t *testing.T, s chaintest.Setting, now time.Time, blocks []*consensus.Block, tc chaintest.Case, door func(*chain.Chain, []byte) error) {
	t.Helper()
	c := chaintest.OpenAt(t, s.Rules, func() time.Time { return now })
	for _, block := range blocks {
		if _, err := c.Add(block, ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := tc.Check(door(c, tc.Raw)); err != nil {
		t.Error(err)
	}
	if want, err := s.Rules.ParseBlock(tc.Raw); err != nil || c.Tip() != want.Header() {
		t.Errorf("%s: the tip is %v: %v", tc.Name, c.Tip(), err)
	}
}

// TestSubmitSaysTheSame is the door of payments that a program inside the node opens.
func TestSubmitSaysTheSame(t *testing.T) {
	for _, r := range []*consensus.Rules{chaintest.Rules(), chaintest.SecureRules()} {
		t.Run(string(r.Profile), func(t *testing.T) { everyPayment(t, r) })
	}
}

func everyPayment(t *testing.T, r *consensus.Rules) {
	for _, tc := range chaintest.TransactionCases(r) {
		c := chaintest.Open(t, r)
		tx, err := c.Rules().ParsePayment(tc.Raw)
		if err == nil {
			_, err = c.Submit(tx, "peer")
		}
		if err := tc.Check(err); err != nil {
			t.Error(err)
		}
		want := 1
		if tc.Rule != "" || tc.Err != nil {
			want = 0
		}
		if n, _ := c.PoolSize(); n != want {
			t.Errorf("%s: %d pending, want %d", tc.Name, n, want)
		}
	}
}
