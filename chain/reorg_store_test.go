package chain_test

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/chain/store"
)

// TestReorgKeepsThePoolsOrder: payments that are mined in order from the front of the pool come back in order, in front.
func TestReorgKeepsThePoolsOrder(t *testing.T) {
	r := benchRules()
	c := chaintest.Open(t, r)
	for range 5 {
		if _, err := c.Submit(chaintest.Payment(), ""); err != nil {
			t.Fatal(err)
		}
	}
	all := c.Pending()
	x1 := chaintest.Block(t, r, r.Genesis.Header(), "x", all[0].Transaction(), all[1].Transaction())
	x2 := chaintest.Block(t, r, x1.Header(), "x", all[2].Transaction())
	y1 := chaintest.Block(t, r, r.Genesis.Header(), "y")
	y2 := chaintest.Block(t, r, y1.Header(), "y")
	y3 := chaintest.Block(t, r, y2.Header(), "y", all[1].Transaction())
	addAll(t, c, []*consensus.Block{x1, x2})
	if got := c.Pending(); !slices.Equal(got, all[3:]) {
		t.Errorf("pending are %v", got)
	}
	addAll(t, c, []*consensus.Block{y1, y2, y3})
	if got, want := c.Pending(), []consensus.Payment{all[0], all[2], all[3], all[4]}; !slices.Equal(got, want) {
		t.Errorf("after the reorg pending are %v, want %v", got, want)
	}
}

// contents is all that a store holds.
func contents(t *testing.T, st *store.Store) (all string) {
	t.Helper()
	if err := st.Dump(func(key, value []byte) { all += fmt.Sprintf("%x %x\n", key, value) }); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestUnreadableBlockStopsAReorgWhole: a block that the reorg has to read cannot be read. Nothing is changed.
func TestUnreadableBlockStopsAReorgWhole(t *testing.T) {
	r := benchRules()
	for name, damage := range map[string]func(b *store.Batch){
		"of the old branch, damaged": func(b *store.Batch) { b.SetBlock(store.Record{Position: store.Position{Index: 3}, Raw: []byte("?")}) },
		"of the old branch, missing": func(b *store.Batch) { b.DeleteBlock(store.Position{Index: 3}) },
		"of the new branch, damaged": func(b *store.Batch) {
			b.SetBlock(store.Record{Position: store.Position{Branch: 1, Index: 3}, Raw: []byte("?")})
		},
		"of the new branch, missing": func(b *store.Batch) { b.DeleteBlock(store.Position{Branch: 1, Index: 3}) },
	} {
		st := openStore(t)
		c, err := chain.Open(st, r, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Submit(chaintest.Payment(), ""); err != nil {
			t.Fatal(err)
		}
		branch := func(name string, n int) (blocks []*consensus.Block) {
			for parent := r.Genesis.Header(); n > 0; n-- {
				blocks = append(blocks, chaintest.Block(t, r, parent, name, chaintest.Payment().Transaction()))
				parent = blocks[len(blocks)-1].Header()
			}
			return blocks
		}
		old, other := branch("old", 6), branch("other", 7)
		addAll(t, c, old)
		addAll(t, c, other[:6])
		b := st.NewBatch()
		damage(b)
		if err := st.Apply(b); err != nil {
			t.Fatal(err)
		}
		b.Close()
		before, last, tip := contents(t, st), c.LastEvent(), c.Tip()
		if _, err := c.Add(other[6], "peer"); !errors.Is(err, chain.ErrDamaged) {
			t.Errorf("a block %s: %v", name, err)
		}
		if contents(t, st) != before || c.Tip() != tip || c.LastEvent() != last || c.Err() != nil || c.Has(other[6].Hash()) {
			t.Errorf("a block %s: something changed: the tip is %d, %v", name, c.Tip().Index, c.Err())
		}
	}
}

// race grows a chain by n blocks on which miners race: every fourth block has a rival branch of one to three blocks that came first and
// is then left behind. Side branches past the bounds are trimmed meanwhile.
func race(tb testing.TB, c *chain.Chain, n int) (reorgs int) {
	tb.Helper()
	seal := func(on consensus.Header, name string) consensus.Header {
		b := chaintest.Block(tb, c.Rules(), on, name)
		addAll(tb, c, []*consensus.Block{b})
		return b.Header()
	}
	for end := c.Tip().Index + int64(n); c.Tip().Index+4 < end; reorgs++ {
		parent := c.Tip()
		loser, winner, deep := parent, parent, 1+reorgs%3
		for range deep {
			loser = seal(loser, "loser")
		}
		for range deep + 1 {
			winner = seal(winner, "winner")
		}
		if c.Tip() != winner {
			tb.Fatal("no reorg")
		}
		seal(winner, "next")
		if reorgs%1000 == 0 {
			if err := c.Trim(); err != nil {
				tb.Fatal(err)
			}
		}
	}
	if err := c.Trim(); err != nil {
		tb.Fatal(err)
	}
	return reorgs
}

// TestRacingMinersLeaveLittleBehind: after thousands of small reorgs the store has one record of the active chain for each, the side
// branches are trimmed, and all is sound after a restart.
func TestRacingMinersLeaveLittleBehind(t *testing.T) {
	c := openRestartable(t, benchRules())
	reorgs, tip := race(t, c.Chain, 10_000), c.Tip()
	sound(t, c.Chain)
	for range 2 {
		if c.Tip() != tip {
			t.Fatalf("the tip is %v", c.Tip())
		}
		parts := 0
		for _, err := range c.st.Active(1, c.Tip().Index+1) {
			if err != nil {
				t.Fatal(err)
			}
			parts++
		}
		if parts != reorgs+1 {
			t.Errorf("%d parts after %d reorgs", parts, reorgs)
		}
		c.restart()
	}
	sound(t, c.Chain)
}

// TestReorgAllocatesLittle: what a reorg allocates for each payment that leaves or joins the active chain bounds its memory: 64 MiB for
// 100,000 of them, forth and back. The engine begins another memtable now and then, so the least of some reorgs counts.
func TestReorgAllocatesLittle(t *testing.T) {
	const many, most = 2_000, 64 << 20 / 100_000
	r := benchRules()
	c := chaintest.Open(t, r)
	tips := [2]consensus.Header{r.Genesis.Header(), r.Genesis.Header()}
	grow := func(i, n int) {
		blocks := make([]*consensus.Block, n)
		for j := range blocks {
			blocks[j] = chaintest.Block(t, r, tips[i], fmt.Sprint(i), chaintest.Payment().Transaction())
			tips[i] = blocks[j].Header()
		}
		addRuns(t, c, blocks)
	}
	grow(0, many)
	grow(1, many)
	least := [2]uint64{math.MaxUint64, math.MaxUint64}
	for i := range 10 {
		ahead := 1 - i%2
		last := chaintest.Block(t, r, tips[ahead], "last")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		tip, err := c.Add(last, "peer")
		runtime.ReadMemStats(&after)
		tips[ahead] = last.Header()
		if !tip || err != nil {
			t.Fatalf("no reorg: %v", err)
		}
		if n, _ := c.PoolSize(); n < many || n > many+i {
			t.Errorf("%d payments are pending", n)
		}
		least[ahead] = min(least[ahead], (after.TotalAlloc-before.TotalAlloc)/many)
		grow(1-ahead, 1)
	}
	for i, got := range least {
		if got > most {
			t.Errorf("a reorg to branch %d allocates %d bytes a payment, at most %d are allowed", i, got, most)
		}
	}
}
