package chain_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

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

func TestFirstSeenWinsTies(t *testing.T) {
	tree := chaintest.New(t).Mine(3).Fork(3).Mine(3).Fork(2).Mine(2)
	c := openRestartable(t, tree.Rules())
	first := tree.Blocks()[2].Header()
	for _, b := range tree.Blocks() {
		addAll(t, c.Chain, []*consensus.Block{b})
		c.restart()
		if b.Index() == 4 && c.Tip() != first {
			t.Errorf("after a block of equal length the tip is %s", c.Tip().Hash.Short())
		}
	}
	if len(c.Forks()) != 2 {
		t.Errorf("forks are %v", c.Forks())
	}
	sound(t, c.Chain)
}

// TestReturnedPayments follows payments through a reorg: what the new branch has leaves the pool, what it lacks is
// pending again, once, in order and before what came later.
func TestReturnedPayments(t *testing.T) {
	p := make([]consensus.Transaction, 6)
	for i := range p {
		p[i] = chaintest.Payment().Transaction()
	}
	foreign := consensus.Transaction{Sender: "flask", Recipient: "bob", Amount: "1.5"} // no id: never pending
	tree := chaintest.New(t).Pay(p[0]).Pay(p[1], foreign, p[2]).Fork(1).Pay(p[1]).Pay(p[3])
	blocks := tree.Blocks()
	c := openRestartable(t, tree.Rules())
	addAll(t, c.Chain, blocks[:2])
	for _, later := range []consensus.Transaction{p[3], p[4], p[5]} {
		if _, err := c.Submit(chaintest.Checked(later), ""); err != nil {
			t.Fatal(err)
		}
	}
	addAll(t, c.Chain, blocks[2:])
	want := []consensus.Transaction{p[2], p[4], p[5]}
	for range 2 {
		if got := c.Pending(); !slices.Equal(chaintest.Transactions(got...), want) {
			t.Errorf("pending are %v, want %v", got, want)
		}
		c.restart()
	}
	if l, err := c.Transaction(p[2].ID); err != nil || !l.Pending || !l.Returned {
		t.Errorf("the returned payment: %+v, %v", l, err)
	}
	if l, err := c.Transaction(p[4].ID); err != nil || !l.Pending || l.Returned {
		t.Errorf("the payment that waited: %+v, %v", l, err)
	}
	for i, index := range map[int]int64{0: 2, 1: 3, 3: 4} {
		if l, err := c.Transaction(p[i].ID); err != nil || l.Pending || l.Block.Index != index || l.Transaction != p[i] {
			t.Errorf("payment %d: %+v, %v", i, l, err)
		}
	}
	events, _ := c.Events(0)
	if len(events) != 0 {
		t.Errorf("events outlived a restart: %v", events)
	}
	sound(t, c.Chain)
}

func TestReorgEvent(t *testing.T) {
	tree := chaintest.New(t).Paying().Mine(3).Fork(2).Mine(3)
	c := chaintest.Open(t, tree.Rules())
	addAll(t, c, tree.Blocks()[:3])
	old, seq := c.Tip(), c.LastEvent()
	addAll(t, c, tree.Blocks()[3:])
	events, lost := c.Events(seq)
	if lost || len(events) != 1 {
		t.Fatalf("events are %v, lost %v", events, lost)
	}
	e := events[0]
	if e.Kind != chain.EventReorg || e.Old != old || e.Header != tree.Tip() || e.Returned != 2 || e.Dropped != 2 || e.From != "peer" {
		t.Errorf("the event says %+v", e)
	}
}

// TestDuplicateIDsAcrossBranches: one id may be on many branches, but once on each.
func TestDuplicateIDsAcrossBranches(t *testing.T) {
	p := chaintest.Payment()
	r := chaintest.Rules()
	trunk := chaintest.New(t).Mine(4).Pay(p.Transaction()).Mine(1)
	c := chaintest.Open(t, r)
	addAll(t, c, trunk.Blocks())
	side := chaintest.Block(t, r, trunk.Branch()[1].Header(), "side", p.Transaction()) // below the fork there is no p
	below := chaintest.Block(t, r, side.Header(), "side")
	addAll(t, c, []*consensus.Block{side, below})
	again := chaintest.Block(t, r, below.Header(), "side", p.Transaction())
	if _, err := c.Add(again, "peer"); refusal(err) != consensus.RuleDuplicateID {
		t.Errorf("twice on one side branch: %v", err)
	}
	nested := chaintest.Block(t, r, side.Header(), "nested")
	addAll(t, c, []*consensus.Block{nested})
	if _, err := c.Add(chaintest.Block(t, r, nested.Header(), "nested", p.Transaction()), "peer"); refusal(err) != consensus.RuleDuplicateID {
		t.Errorf("on a side branch of a side branch: %v", err)
	}
	other := chaintest.Block(t, r, trunk.Branch()[0].Header(), "other", p.Transaction())
	addAll(t, c, []*consensus.Block{other})
	sound(t, c)
}

// TestFailedSwitch: an invalid block deep in what would be the longer branch leaves all as it was.
func TestFailedSwitch(t *testing.T) {
	p := chaintest.Payment()
	tree := chaintest.New(t).Paying().Mine(8).Fork(6).Pay(p.Transaction()).Mine(3).Pay(p.Transaction()).Mine(6)
	c := openRestartable(t, tree.Rules())
	addAll(t, c.Chain, tree.Blocks()[:8])
	if _, err := c.Submit(chaintest.Payment(), ""); err != nil {
		t.Fatal(err)
	}
	tip, pending := c.Tip(), c.Pending()
	n, err := c.AddBlocks(runOf(t, tree.Rules(), tree.Blocks()[8:]), "peer")
	if n != 4 || refusal(err) != consensus.RuleDuplicateID {
		t.Errorf("added %d, %v", n, err)
	}
	for range 2 {
		if c.Tip() != tip || !slices.Equal(c.Pending(), pending) {
			t.Errorf("tip %d, pending %d", c.Tip().Index, len(c.Pending()))
		}
		sound(t, c.Chain)
		c.restart()
	}
}

// shapes returns every shape of a tree of n blocks above the genesis: for each block the position of its parent, 0 for the genesis.
func shapes(n int) [][]int {
	seen := make(map[string]bool)
	var all [][]int
	var grow func(parents []int)
	grow = func(parents []int) {
		if len(parents) == n {
			if key := shapeKey(parents, 0); !seen[key] {
				seen[key] = true
				all = append(all, slices.Clone(parents))
			}
			return
		}
		for p := range len(parents) + 1 {
			grow(append(parents, p))
		}
	}
	grow(nil)
	return all
}

// shapeKey is equal for trees that differ in the order of children only.
func shapeKey(parents []int, of int) string {
	var children []string
	for i, p := range parents {
		if p == of {
			children = append(children, shapeKey(parents, i+1))
		}
	}
	slices.Sort(children)
	return "(" + strings.Join(children, "") + ")"
}

// TestEveryShapeAnyOrder delivers every tree of up to six blocks in random orders, orphans again until nothing is new.
// Every payment was submitted before. It ends at the longest branch, and every payment is on the chain or pending, once.
func TestEveryShapeAnyOrder(t *testing.T) {
	const orders = 6
	random := rand.New(rand.NewPCG(1, 2))
	total := 0
	for n := 1; n <= 6; n++ {
		for _, parents := range shapes(n) {
			total++
			blocks, longest := grown(t, parents)
			for range orders {
				deliver(t, blocks, longest, random)
			}
		}
	}
	if total != 1+2+4+9+20+48 {
		t.Errorf("%d shapes, there are 84 rooted trees of two to seven vertices", total)
	}
}

// grown seals the tree; each block has a payment of its own and one that is on every branch.
func grown(t *testing.T, parents []int) (blocks []*consensus.Block, longest int64) {
	r := chaintest.Rules()
	shared := chaintest.Payment()
	blocks = []*consensus.Block{r.Genesis}
	for i, p := range parents {
		payments := []consensus.Transaction{chaintest.Payment().Transaction()}
		if p == 0 {
			payments = append(payments, shared.Transaction())
		}
		b := chaintest.Block(t, r, blocks[p].Header(), string(rune('a'+i)), payments...)
		blocks, longest = append(blocks, b), max(longest, b.Index())
	}
	return blocks[1:], longest
}

func deliver(t *testing.T, blocks []*consensus.Block, longest int64, random *rand.Rand) {
	c := chaintest.Open(t, chaintest.Rules())
	submitted := make(map[consensus.ID]bool)
	for _, b := range blocks {
		for _, tx := range b.Transactions() {
			if !tx.HasID || submitted[tx.ID] {
				continue
			}
			submitted[tx.ID] = true
			if _, err := c.Submit(chaintest.Checked(tx), "peer"); err != nil {
				t.Fatal(err)
			}
		}
	}
	waiting := slices.Clone(blocks)
	random.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
	for len(waiting) > 0 {
		before := len(waiting)
		waiting = slices.DeleteFunc(waiting, func(b *consensus.Block) bool {
			_, err := c.Add(b, "peer")
			return err == nil
		})
		if len(waiting) == before {
			t.Fatalf("%d blocks are never taken", before)
		}
	}
	if c.Tip().Index != longest {
		t.Errorf("the tip is %d, the longest branch ends at %d", c.Tip().Index, longest)
	}
	conserved(t, c, submitted)
	sound(t, c)
}

// conserved checks that what is on the active chain and in the pool is what was submitted, each payment once.
func conserved(t *testing.T, c *chain.Chain, submitted map[consensus.ID]bool) {
	t.Helper()
	found := make(map[consensus.ID]bool)
	note := func(id consensus.ID) {
		if found[id] {
			t.Errorf("payment %s is there twice", id)
		}
		found[id] = true
	}
	snap := c.Snapshot()
	defer snap.Close()
	for raw, err := range snap.Blocks(2, snap.Tip().Index+1) {
		if err != nil {
			t.Fatal(err)
		}
		b, err := c.Rules().ParseBlock(raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range b.IDs() {
			note(id)
		}
	}
	for _, id := range chaintest.PendingIDs(c) {
		note(id)
	}
	if !maps.Equal(found, submitted) {
		t.Errorf("%d payments are on the chain or pending, %d were submitted", len(found), len(submitted))
	}
}
