package chain

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"kuai/chain/consensus"
	"kuai/chain/store"
)

// bushes makes n blocks on random blocks of a tree, in an order in which a chain takes them, with payments that meet again.
func bushes(t *testing.T, r *consensus.Rules, random *rand.Rand, n int) (blocks []*consensus.Block) {
	t.Helper()
	parents := []consensus.Header{r.Genesis.Header()}
	for i := range n {
		at := len(parents) - 1 - random.IntN(min(6, len(parents)))
		var ps []consensus.Transaction
		for _, id := range random.Perm(30)[:random.IntN(3)] {
			ps = append(ps, consensus.Transaction{Sender: "a", Recipient: fmt.Sprint(id % 3), Amount: "0.1", ID: consensus.ID{1, byte(id)}, HasID: true})
		}
		b := sealed(t, r, parents[at], fmt.Sprint(i), ps...)
		blocks, parents = append(blocks, b), append(parents, b.Header())
	}
	return blocks
}

// TestMemoryIsWhatTheStoreHas grows random trees with many reorgs, and after each block compares what memory holds with what a start
// reads, and with the blocks themselves.
func TestMemoryIsWhatTheStoreHas(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 9))
	reorgs := 0
	for range 20 {
		r := noZeros()
		c := opened(t, inMemory(t), r)
		for i := range 10 {
			p := consensus.Transaction{Sender: "s", Recipient: "r", Amount: "1", ID: consensus.ID{1, byte(3 * i)}, HasID: true}
			if _, err := c.Submit(checked(t, p), "peer"); err != nil {
				t.Fatal(err)
			}
		}
		for i, b := range bushes(t, r, random, 40) {
			old := c.tip
			if _, err := c.Add(b, fmt.Sprint("peer-", i%5)); err != nil && !slices.Contains([]consensus.Rule{consensus.RuleDuplicateID, consensus.RuleParentInvalid}, refusedBy(err)) {
				t.Fatal(err)
			}
			if c.tip != old && c.tip.Previous != old.Hash {
				reorgs++
			}
			compareMemory(t, c, opened(t, c.store, r))
		}
		if err := c.Verify(t.Context(), nil); err != nil {
			t.Error(err)
		}
	}
	if reorgs < 50 {
		t.Errorf("%d reorgs", reorgs)
	}
}

func refusedBy(err error) consensus.Rule {
	if invalid, ok := err.(*consensus.InvalidError); ok {
		return invalid.Rule
	}
	return ""
}

func compareMemory(t *testing.T, c, read *Chain) {
	t.Helper()
	for n, s := range c.sides.branches {
		s.changed = read.sides.branches[n].changed // a start knows when the tip came, not when it left the active chain
		c.sides.branches[n] = s
	}
	if !maps.Equal(c.sides.branches, read.sides.branches) || c.sides.blocks != read.sides.blocks || c.sides.bytes != read.sides.bytes || c.sides.last != read.sides.last {
		t.Fatalf("the side branches are %+v, a start reads %+v", c.sides, read.sides)
	}
	if c.tip != read.tip || c.total != read.total || c.last.Branch != read.last.Branch {
		t.Fatalf("the tip is %+v at %+v with %d bytes, a start reads %+v, %+v, %d", c.tip, c.last, c.total, read.tip, read.last, read.total)
	}
	held := int64(0)
	for n := range c.sides.last + 1 {
		for rec, err := range c.store.Blocks(n, 0, lastIndex) {
			if err != nil {
				t.Fatal(err)
			}
			held++
			checkHeld(t, c, rec)
		}
	}
	if held != c.tip.Index+c.sides.blocks {
		t.Fatalf("%d blocks are held, %d active and %d beside", held, c.tip.Index, c.sides.blocks)
	}
}

// checkHeld checks that a block extends its parent, is found by its hash, and is active if and only if the tip descends from it.
func checkHeld(t *testing.T, c *Chain, rec store.Record) {
	t.Helper()
	b, err := c.parse(rec, new(consensus.Block))
	if err != nil {
		t.Fatal(err)
	}
	if p, ok, err := c.store.Position(b.Header().Hash); p != rec.Position || !ok || err != nil {
		t.Fatalf("block %v has its hash at %v, %v, %v", rec.Position, p, ok, err)
	}
	if b.Index() > 1 {
		parent, err := c.parentOf(rec.Position)
		if err != nil {
			t.Fatal(err)
		}
		below, err := c.read(c.store.Reader, parent)
		if err != nil || below.Header().Hash != b.Header().Previous || b.Total != below.Total+int64(len(b.Canonical())) {
			t.Fatalf("block %v does not extend %v: %v", rec.Position, parent, err)
		}
	}
	v := c.view()
	defer v.Close()
	active, err := v.active(rec.Position)
	if err != nil || active == c.sides.has(rec.Position) {
		t.Fatalf("block %v: active %v, off the active chain %v, %v", rec.Position, active, c.sides.has(rec.Position), err)
	}
}
