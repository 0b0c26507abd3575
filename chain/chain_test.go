package chain_test

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"kuai/chain"
	"kuai/chain/chaintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// addAll adds the blocks one by one.
func addAll(t testing.TB, c *chain.Chain, blocks []*chain.Block) {
	t.Helper()
	for _, b := range blocks {
		if _, err := c.Add(b, "peer"); err != nil {
			t.Fatalf("adding block %d: %v", b.Index(), err)
		}
	}
}

// sound checks that the whole state agrees with itself.
func sound(t testing.TB, c *chain.Chain) {
	t.Helper()
	if err := c.Verify(nil); err != nil {
		t.Error(err)
	}
}

func TestLongerBranchWins(t *testing.T) {
	tree := chaintest.New(t).Paying().Mine(5).Fork(2).Mine(4)
	c := chaintest.Open(t, tree.Rules())
	addAll(t, c, tree.Blocks())
	if c.Tip() != tree.Tip() {
		t.Errorf("tip is %d, the longer branch ends at %d", c.Tip().Index, tree.Tip().Index)
	}
	if count, _ := c.PoolSize(); count != 2 {
		t.Errorf("%d payments are pending, the dropped branch had 2", count)
	}
	forks := c.Forks()
	if len(forks) != 1 || forks[0].Tip.Index != 6 || forks[0].Point.Index != 4 {
		t.Errorf("forks are %v, want one of blocks 5 and 6", forks)
	}
	sound(t, c)
}

func TestOrphanAndKnown(t *testing.T) {
	tree := chaintest.New(t).Mine(2)
	c := chaintest.Open(t, tree.Rules())
	if _, err := c.Add(tree.Blocks()[1], ""); !errors.Is(err, chain.ErrOrphan) {
		t.Errorf("a block without its parent: %v", err)
	}
	addAll(t, c, tree.Blocks())
	for _, b := range tree.Blocks() {
		if _, err := c.Add(b, ""); !errors.Is(err, chain.ErrKnown) {
			t.Errorf("block %d again: %v", b.Index(), err)
		}
	}
}
