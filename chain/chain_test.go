package chain_test

import (
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/chain/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// addAll adds the blocks one by one.
func addAll(t testing.TB, c *chain.Chain, blocks []*consensus.Block) {
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
	if err := c.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// restartable is a chain that can be closed and opened again on the same store.
type restartable struct {
	*chain.Chain
	t  testing.TB
	st *store.Store
}

func openStore(t testing.TB) *store.Store {
	t.Helper()
	st, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

func openRestartable(t testing.TB, r *consensus.Rules) *restartable {
	c := &restartable{t: t, st: openStore(t)}
	c.open(r)
	return c
}

func (c *restartable) open(r *consensus.Rules) {
	c.t.Helper()
	opened, err := chain.Open(c.st, r, time.Now)
	if err != nil {
		c.t.Fatal(err)
	}
	c.Chain = opened
}

func (c *restartable) restart() {
	c.t.Helper()
	if err := c.Close(); err != nil {
		c.t.Fatal(err)
	}
	c.open(c.Rules())
}

// refusal is the rule that err names, "" for none.
func refusal(err error) consensus.Rule {
	var invalid *consensus.InvalidError
	if errors.As(err, &invalid) {
		return invalid.Rule
	}
	return ""
}

func runOf(t testing.TB, r *consensus.Rules, blocks []*consensus.Block) *consensus.Blocks {
	t.Helper()
	s, _, err := r.ParseBlocks(chaintest.Raws(blocks))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpenStartsWithGenesis(t *testing.T) {
	c := chaintest.Open(t, chaintest.Rules())
	genesis := c.Rules().Genesis
	if c.Tip() != genesis.Header() {
		t.Errorf("the tip is %v", c.Tip())
	}
	held, err := c.Block(genesis.Hash())
	if err != nil || !held.Active || string(held.Block.Canonical()) != string(genesis.Canonical()) {
		t.Errorf("the genesis is held as %+v, %v", held, err)
	}
	sound(t, c)
}

func TestOpenRefusesOtherNetwork(t *testing.T) {
	c := openRestartable(t, chaintest.Rules())
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	other := chaintest.Rules()
	other.Version++
	if _, err := chain.Open(c.st, other, time.Now); !errors.Is(err, chain.ErrDamaged) {
		t.Errorf("a store of another network: %v", err)
	}
}

func TestOrphanAndKnown(t *testing.T) {
	tree := chaintest.New(t).Mine(3).Fork(2).Mine(1)
	c := chaintest.Open(t, tree.Rules())
	if _, err := c.Add(tree.Blocks()[1], ""); !errors.Is(err, chain.ErrOrphan) {
		t.Errorf("a block without its parent: %v", err)
	}
	if c.Has(tree.Blocks()[1].Hash()) {
		t.Error("an orphan is held")
	}
	addAll(t, c, tree.Blocks())
	for _, b := range tree.Blocks() {
		if _, err := c.Add(b, ""); !errors.Is(err, chain.ErrKnown) {
			t.Errorf("block %d again: %v", b.Index(), err)
		}
	}
}

func TestHeldSaysWhoAndWhen(t *testing.T) {
	tree := chaintest.New(t).Mine(1)
	before := time.Now().Truncate(time.Millisecond)
	c := openRestartable(t, tree.Rules())
	addAll(t, c.Chain, tree.Blocks())
	c.restart()
	held, err := c.At(2)
	if err != nil {
		t.Fatal(err)
	}
	if held.From != "peer" || held.Received.Before(before) || held.Received.After(time.Now()) {
		t.Errorf("the block came from %q at %v", held.From, held.Received)
	}
	for _, index := range []int64{-1, 0, 3} {
		if _, err := c.At(index); !errors.Is(err, chain.ErrNotFound) {
			t.Errorf("block %d: %v", index, err)
		}
	}
	if _, err := c.Block(consensus.Hash{1}); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("a hash that is not held: %v", err)
	}
}

func TestAddMinedStale(t *testing.T) {
	tree := chaintest.New(t).Mine(2).Fork(1).Mine(1)
	c := chaintest.Open(t, tree.Rules())
	for i, want := range []error{nil, nil, chain.ErrStale} {
		if err := c.AddMined(tree.Blocks()[i]); !errors.Is(err, want) {
			t.Errorf("block %d: %v, want %v", i, err, want)
		}
	}
}

func TestAddBlocks(t *testing.T) {
	tree := chaintest.New(t).Paying().Mine(30).Fork(20).Mine(25)
	r := tree.Rules()
	trunk, branch := tree.Blocks()[:30], tree.Blocks()[30:]
	c := chaintest.Open(t, r)
	for _, step := range []struct {
		name string
		in   []*consensus.Block
		n    int
		tip  int64
	}{
		{"extends the tip", trunk[:20], 20, 21},
		{"again, and further", trunk[10:], 10, 31},
		{"known", trunk[:5], 0, 31},
		{"a branch that becomes the longest within", branch, 25, 36},
	} {
		n, err := c.AddBlocks(runOf(t, r, step.in), "peer")
		if err != nil || n != step.n || c.Tip().Index != step.tip {
			t.Fatalf("%s: added %d, tip %d, %v; want %d and %d", step.name, n, c.Tip().Index, err, step.n, step.tip)
		}
	}
	if count, _ := c.PoolSize(); count != 20 {
		t.Errorf("%d payments are pending, the dropped branch had 20", count)
	}
	sound(t, c)
}

func TestAddBlocksKeepsWhatIsBeforeTheFault(t *testing.T) {
	paid := chaintest.Payment()
	tree := chaintest.New(t).Pay(paid.Transaction()).Mine(3).Pay(paid.Transaction()).Mine(2)
	c := chaintest.Open(t, tree.Rules())
	n, err := c.AddBlocks(runOf(t, tree.Rules(), tree.Blocks()), "peer")
	if n != 4 || refusal(err) != consensus.RuleDuplicateID || c.Tip().Index != 5 {
		t.Errorf("added %d, tip %d, %v", n, c.Tip().Index, err)
	}
	if n, err := c.AddBlocks(runOf(t, tree.Rules(), tree.Blocks()[5:]), "peer"); n != 0 || refusal(err) != consensus.RuleParentInvalid {
		t.Errorf("what follows the fault: %d, %v", n, err)
	}
	sound(t, c)
}

func TestClosedChainTakesNothing(t *testing.T) {
	tree := chaintest.New(t).Mine(1)
	c := openRestartable(t, tree.Rules())
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Add(tree.Blocks()[0], ""); !errors.Is(err, chain.ErrClosed) {
		t.Errorf("Add: %v", err)
	}
	if _, err := c.Submit(chaintest.Payment(), ""); !errors.Is(err, chain.ErrClosed) {
		t.Errorf("Submit: %v", err)
	}
}

func TestOpenRefusesABlockAboveTheTip(t *testing.T) {
	tree := chaintest.New(t).Mine(3)
	c := openRestartable(t, tree.Rules())
	addAll(t, c.Chain, tree.Blocks()[:2])
	b := c.st.NewBatch()
	defer b.Close()
	b.SetBlock(store.Record{Position: store.Position{Index: 4}, Raw: tree.Blocks()[2].Canonical()})
	if err := c.st.Apply(b); err != nil {
		t.Fatal(err)
	}
	if _, err := chain.Open(c.st, tree.Rules(), time.Now); !errors.Is(err, chain.ErrDamaged) {
		t.Errorf("a store with a block above the tip: %v", err)
	}
}

// TestBlocksAreLinked: wherever a block does not extend the one before it, the run ends before it.
func TestBlocksAreLinked(t *testing.T) {
	tree := chaintest.New(t).Mine(5).Fork(5).Mine(5)
	one, other := tree.Blocks()[:5], tree.Blocks()[5:]
	for at := 1; at < len(one); at++ {
		raws := append(chaintest.Raws(one[:at]), chaintest.Raws(other[at:])...)
		s, n, err := tree.Rules().ParseBlocks(raws)
		if refusal(err) != consensus.RuleParent || n != at || len(s.All()) != at {
			t.Errorf("with another branch from block %d on: %d blocks, at fault is %d, %v", at, len(s.All()), n, err)
		}
		s, n, err = tree.Rules().LinkBlocks(append(one[:at:at], other[at:]...))
		if refusal(err) != consensus.RuleParent || n != at || len(s.All()) != at {
			t.Errorf("the same, parsed before: %d blocks, at fault is %d, %v", len(s.All()), n, err)
		}
	}
}
