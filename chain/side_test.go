package chain_test

import (
	"errors"
	"slices"
	"testing"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/chain/store"
)

// bush adds n single-block branches to c, each on the block below the tip, and returns them.
func bush(t *testing.T, c *chain.Chain, n int) []*consensus.Block {
	t.Helper()
	parent, err := c.At(c.Tip().Index - 1)
	if err != nil {
		t.Fatal(err)
	}
	h, r := parent.Block.Header(), c.Rules()
	proof := chaintest.Proof(r, h)
	blocks := make([]*consensus.Block, n)
	for i := range blocks {
		blocks[i], err = r.NewBlock(h, proof, h.Timestamp+float64(i+1), []consensus.Transaction{chaintest.Reward(r, "side")})
		if err != nil {
			t.Fatal(err)
		}
	}
	addAll(t, c, blocks)
	return blocks
}

// trim does what the chain's Run does.
func trim(t *testing.T, c *chain.Chain) {
	t.Helper()
	if err := c.Trim(); err != nil {
		t.Fatal(err)
	}
}

func countHeld(c *chain.Chain, blocks []*consensus.Block) (n int) {
	for _, b := range blocks {
		if c.Has(b.Hash()) {
			n++
		}
	}
	return n
}

func TestOldestBranchGoesFirst(t *testing.T) {
	tree := chaintest.New(t).Paying().Mine(10).Fork(8).Mine(4).Fork(2).Mine(2)
	c := openRestartable(t, tree.Rules())
	addAll(t, c.Chain, tree.Blocks())
	old := tree.Blocks()[10:] // a branch of four, and one of two that hangs on it
	many := bush(t, c.Chain, chain.MaxSideBlocks-len(old)+1)
	trim(t, c.Chain)
	if n := countHeld(c.Chain, old); n != 0 {
		t.Errorf("%d blocks of the oldest branch, and of the one that hangs on it, are left", n)
	}
	left := countHeld(c.Chain, many)
	if left > chain.MaxSideBlocks || left < chain.MaxSideBlocks*9/10 {
		t.Errorf("%d of %d newer blocks are left", left, len(many))
	}
	if countHeld(c.Chain, many[len(many)-left:]) != left {
		t.Error("not the newest are left")
	}
	if _, err := c.Add(old[1], "peer"); !errors.Is(err, chain.ErrOrphan) {
		t.Errorf("the child of a dropped block: %v", err)
	}
	c.restart()
	if n := len(c.Forks()); n != left {
		t.Errorf("%d forks, want %d", n, left)
	}
	addAll(t, c.Chain, old) // what was dropped can come again, its payments too
	sound(t, c.Chain)
}

// TestLongBranchMayGrow: the branch that is being added grows past the limit, until it is the longest.
func TestLongBranchMayGrow(t *testing.T) {
	const long = chain.MaxSideBlocks + 500
	trunk := chaintest.New(t).Mine(long)
	branch := chaintest.New(t).Fork(0).Mine(long + 1)
	c := openRestartable(t, trunk.Rules())
	addRuns(t, c.Chain, trunk.Blocks())
	bushes := bush(t, c.Chain, 10)
	addRuns(t, c.Chain, branch.Blocks()[:long])
	trim(t, c.Chain)
	if n := countHeld(c.Chain, bushes); n != 0 {
		t.Errorf("%d older side blocks are left beside a branch past the limit", n)
	}
	if n := countHeld(c.Chain, branch.Blocks()[:long]); n != long {
		t.Errorf("%d of %d blocks of the growing branch are held", n, long)
	}
	c.restart()
	addRuns(t, c.Chain, branch.Blocks()[long:])
	if c.Tip() != branch.Tip() {
		t.Errorf("the tip is %d", c.Tip().Index)
	}
	sound(t, c.Chain) // the index of addresses walks back over the trunk before that can go
	trim(t, c.Chain)
	if n := countHeld(c.Chain, trunk.Blocks()); n != 0 {
		t.Errorf("%d blocks of a dropped branch past the limit are left", n)
	}
	sound(t, c.Chain)
}

func addRuns(t testing.TB, c *chain.Chain, blocks []*consensus.Block) {
	t.Helper()
	for len(blocks) > 0 {
		n := min(2048, len(blocks))
		if added, err := c.AddBlocks(runOf(t, c.Rules(), blocks[:n]), "peer"); err != nil || added != n {
			t.Fatalf("added %d of %d: %v", added, n, err)
		}
		blocks = blocks[n:]
	}
}

// TestForksAfterSwitches switches among branches that hang on each other, and reads the tree back from the store each time.
func TestForksAfterSwitches(t *testing.T) {
	tree := chaintest.New(t).Paying().Mine(6).Fork(4).Mine(3).Fork(1).Mine(4).Fork(5).Mine(6)
	c := openRestartable(t, tree.Rules())
	for _, b := range tree.Blocks() {
		addAll(t, c.Chain, []*consensus.Block{b})
		before := c.Forks()
		c.restart()
		after := c.Forks()
		if len(before) != len(after) {
			t.Fatalf("%d forks before a restart, %d after", len(before), len(after))
		}
		for i := range before {
			if before[i] != after[i] {
				t.Errorf("fork %d was %v and is %v", i, before[i], after[i])
			}
		}
		sound(t, c.Chain)
	}
	for _, b := range tree.Blocks() {
		if !c.Has(b.Hash()) {
			t.Errorf("block %d %s is gone", b.Index(), b.Hash().Short())
		}
	}
}

// TestSiblingsOfASwitch: a side block has three children. When the branch of one becomes the longest, the others hang on the
// active chain, also after the first of them, whose branch the block began, was dropped.
func TestSiblingsOfASwitch(t *testing.T) {
	const long = chain.MaxSideBlocks / 10
	tree := chaintest.New(t).Paying().Mine(long).Fork(long).Mine(long).Fork(long - 1).Mine(1).Fork(1).Mine(long)
	shared, second := tree.Branch()[0].Header(), tree.Blocks()[2*long]
	c := openRestartable(t, tree.Rules())
	addRuns(t, c.Chain, tree.Blocks()[:long])
	addAll(t, c.Chain, tree.Blocks()[long:])
	if c.Tip() != tree.Tip() {
		t.Fatal("no switch")
	}
	point := func() consensus.Header {
		for _, f := range c.Forks() {
			if f.Tip == second.Header() {
				return f.Point
			}
		}
		return consensus.Header{}
	}
	if point() != shared {
		t.Errorf("the second child leaves the active chain at %+v", point())
	}
	bush(t, c.Chain, chain.MaxSideBlocks-2*long+1)
	trim(t, c.Chain)
	if c.Has(tree.Blocks()[2*long-1].Hash()) || !c.Has(second.Hash()) {
		t.Fatal("not the oldest branch alone was dropped")
	}
	for range 2 {
		if point() != shared {
			t.Errorf("after its first sibling was dropped, the second child leaves the active chain at %+v", point())
		}
		c.restart()
	}
	sound(t, c.Chain)
}

// TestReturnedPaymentOutlivesItsBlock: a payment that a reorg returned stays pending, also after a restart, when the block that held it is
// dropped, whole or in part.
func TestReturnedPaymentOutlivesItsBlock(t *testing.T) {
	tree := chaintest.New(t).Paying().Mine(5).Fork(5)
	returned := tree.Blocks()
	for range 6 {
		tree.Pay()
	}
	c := openRestartable(t, tree.Rules())
	addAll(t, c.Chain, tree.Blocks())
	pending := c.Pending()
	if len(pending) != len(returned) {
		t.Fatalf("%d payments are pending", len(pending))
	}
	waiting := submit(t, c.Chain, "peer", 1)
	bush(t, c.Chain, chain.MaxSideBlocks)
	sound(t, c.Chain) // the index of addresses walks back over the blocks, which are kept for it
	trim(t, c.Chain)
	if n := countHeld(c.Chain, returned); n != 0 {
		t.Fatalf("%d blocks are left", n)
	}
	c.restart()
	if got := c.Pending(); !slices.Equal(got, append(pending, waiting...)) {
		t.Errorf("pending are %v", got)
	}
	for _, p := range pending {
		if l, err := c.Transaction(p.ID()); err != nil || !l.Pending || !l.Returned {
			t.Errorf("%+v, %v", l, err)
		}
	}
	chaintest.MineOn(t, c.Chain, 1)
	if n, _ := c.PoolSize(); n != 0 {
		t.Errorf("%d payments are still pending", n)
	}
	sound(t, c.Chain)
}

// TestTrimLeavesDamage: a block that cannot be read stays, with those below it and the one above, and the chain can be opened again.
func TestTrimLeavesDamage(t *testing.T) {
	tree := chaintest.New(t).Paying().Mine(10).Fork(10).Mine(8)
	side := tree.Blocks()[10:]
	c := openRestartable(t, tree.Rules())
	addAll(t, c.Chain, tree.Blocks())
	c.put(func(b *store.Batch) {
		b.SetBlock(store.Record{Position: store.Position{Branch: 1, Index: side[3].Index()}, Raw: []byte("?")})
	})
	newer := bush(t, c.Chain, chain.MaxSideBlocks)
	trim(t, c.Chain)
	for range 2 {
		if n := countHeld(c.Chain, side); n != 5 {
			t.Errorf("%d blocks of the damaged branch are left, not 5", n)
		}
		if n := countHeld(c.Chain, newer); n > chain.MaxSideBlocks-5 {
			t.Errorf("%d newer blocks are left", n)
		}
		c.restart()
	}
}
