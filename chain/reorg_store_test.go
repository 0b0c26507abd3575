package chain_test

import (
	"errors"
	"fmt"
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

// race makes n blocks on which miners race: every second one has a rival of one to three blocks that is then left behind.
func race(tb testing.TB, r *consensus.Rules, n int) (blocks []*consensus.Block, reorgs int) {
	tb.Helper()
	parent := r.Genesis.Header()
	seal := func(on consensus.Header, name string) consensus.Header {
		b := chaintest.Block(tb, r, on, name)
		blocks = append(blocks, b)
		return b.Header()
	}
	for i := 0; len(blocks) < n; i++ {
		loser, winner := parent, parent
		for range 1 + i%3 {
			loser = seal(loser, "loser")
		}
		for range 2 + i%3 {
			winner = seal(winner, "winner")
		}
		parent = winner
		reorgs++
	}
	return blocks, reorgs
}

// TestRacingMinersLeaveLittleBehind: after thousands of small reorgs the store has one record of the active chain for each, the side
// branches are trimmed, and all is sound after a restart.
func TestRacingMinersLeaveLittleBehind(t *testing.T) {
	const many = 12_000
	r := benchRules()
	c := openRestartable(t, r)
	blocks, reorgs := race(t, r, many)
	addAll(t, c.Chain, blocks)
	sound(t, c.Chain)
	for range 2 {
		if got := c.Tip(); got.Hash != blocks[len(blocks)-1].Hash() {
			t.Fatalf("the tip is %v", got)
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

// BenchmarkRaces opens a chain of KUAI_BENCH_BLOCKS blocks (100,000) of which every second is a reorg's.
func BenchmarkRaces(b *testing.B) {
	r, dir := benchRules(), b.TempDir()
	c, shut := chaintest.OpenDisk(b, r, dir)
	blocks, reorgs := race(b, r, blocksFromEnv(b))
	addAll(b, c, blocks)
	if err := c.Trim(); err != nil {
		b.Fatal(err)
	}
	shut()
	runtime.GC() // the blocks are not used any more
	b.ResetTimer()
	for range b.N {
		c, shut = chaintest.OpenDisk(b, r, dir)
		b.StopTimer()
		if len(c.Forks()) > chain.MaxSideBlocks {
			b.Error("too many forks")
		}
		shut()
		b.StartTimer()
	}
	b.ReportMetric(float64(reorgs), "reorgs")
	b.ReportMetric(residentMiB(b), "RSS-MiB")
}

// TestReorgAllocatesLittle: what a reorg allocates for each payment that leaves or joins the active chain bounds its memory: 64 MiB for
// 100,000 of them, forth and back.
func TestReorgAllocatesLittle(t *testing.T) {
	const many, most = 4_000, 64 << 20 / 100_000 // few enough that the engine does not begin another memtable meanwhile
	r := benchRules()
	c := chaintest.Open(t, r)
	var tips [2]consensus.Header
	grow := func(i, n int) {
		blocks := make([]*consensus.Block, n)
		for j := range blocks {
			blocks[j] = chaintest.Block(t, r, tips[i], fmt.Sprint(i), chaintest.Payment().Transaction())
			tips[i] = blocks[j].Header()
		}
		addRuns(t, c, blocks)
	}
	tips = [2]consensus.Header{r.Genesis.Header(), r.Genesis.Header()}
	grow(0, many)
	grow(1, many)
	for i := range 2 {
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
		if n, _ := c.PoolSize(); n != many+i/2 { // the block that is ahead on the other branch has one more
			t.Errorf("%d payments are pending", n)
		}
		if got := int(after.TotalAlloc-before.TotalAlloc) / many; got > most {
			t.Errorf("reorg %d allocates %d bytes a payment, at most %d are allowed", i, got, most)
		}
		grow(1-ahead, 1)
	}
}
