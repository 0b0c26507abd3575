package chain_test

import (
	"errors"
	"slices"
	"testing"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

func collect(t *testing.T, s *chain.Snapshot, from, to int64) (raws []string) {
	t.Helper()
	for raw, err := range s.Blocks(from, to) {
		if err != nil {
			t.Fatal(err)
		}
		raws = append(raws, string(raw))
	}
	return raws
}

// TestSnapshotStays: a snapshot shows the chain of its moment, whatever happens after.
func TestSnapshotStays(t *testing.T) {
	tree := chaintest.New(t).Mine(6).Fork(4).Mine(6)
	trunk, branch := tree.Blocks()[:6], tree.Blocks()[6:]
	c := chaintest.Open(t, tree.Rules())
	addAll(t, c, trunk)
	s := c.Snapshot()
	defer s.Close()
	want := collect(t, s, 1, 100)
	addAll(t, c, branch)
	if got := collect(t, s, 1, 100); !slices.Equal(got, want) || len(got) != 7 || s.Tip() != trunk[5].Header() {
		t.Errorf("after a reorg the snapshot has %d blocks", len(got))
	}
	for _, r := range [][2]int64{{1, 1}, {1, 3}, {3, 7}, {7, 8}, {8, 9}, {5, 2}, {-5, 2}} {
		from, to := max(r[0], 1), max(min(r[1], 8), max(r[0], 1))
		got := collect(t, s, r[0], r[1])
		if from > 7 {
			from, to = 8, 8
		}
		if !slices.Equal(got, want[from-1:to-1]) {
			t.Errorf("blocks [%d, %d) are %d", r[0], r[1], len(got))
		}
	}
}

func TestLocatorFindsForkPoint(t *testing.T) {
	const deep, shared = 400, 3001 - 400 // the last block that both have
	trunk := chaintest.New(t).Mine(3000)
	branch := trunk.Fork(deep).Mine(50)
	ours, theirs := chaintest.Open(t, trunk.Rules()), chaintest.Open(t, trunk.Rules())
	addRuns(t, ours, trunk.Blocks()[:3000])
	addRuns(t, theirs, branch.Branch())
	locator := ours.Locator()
	if len(locator) > chain.MaxLocator || locator[len(locator)-1] != trunk.Rules().Genesis.Hash() {
		t.Fatalf("%d hashes, the last %s", len(locator), locator[len(locator)-1].Short())
	}
	for i := range 10 {
		if held, err := ours.Block(locator[i]); err != nil || held.Block.Index() != ours.Tip().Index-int64(i) {
			t.Errorf("hash %d is not that of the block %d below the tip", i, i)
		}
	}
	s := theirs.Snapshot()
	defer s.Close()
	point := s.ForkPoint(locator)
	if point > shared || point < shared-deep { // the gaps of a locator grow with the depth
		t.Errorf("the fork point is %d, the chains share the blocks up to %d", point, shared)
	}
	if at := s.ForkPoint([]consensus.Hash{{1}, trunk.Blocks()[2900].Hash()}); at != 1 {
		t.Errorf("without a shared hash the fork point is %d", at)
	}
}

func TestEvents(t *testing.T) {
	c := chaintest.Open(t, chaintest.Rules())
	wake, stop := c.Watch()
	defer stop()
	submit(t, c, "peer", 3)
	select {
	case <-wake:
	default:
		t.Error("a subscriber is not woken")
	}
	select {
	case <-wake:
		t.Error("three changes wake twice a subscriber who did not look")
	default:
	}
	chaintest.MineOn(t, c, 1)
	events, lost := c.Events(0)
	if len(events) != 4 || lost || events[3].Kind != chain.EventBlock || events[0].Kind != chain.EventTransaction || events[0].From != "peer" {
		t.Fatalf("events are %+v, lost %v", events, lost)
	}
	if e := events[3]; e.Block.Hash() != c.Tip().Hash || e.Header != c.Tip() || e.From != "" || e.Old != c.Rules().Genesis.Header() {
		t.Errorf("the block's event is %+v", e)
	}
	if rest, lost := c.Events(2); len(rest) != 2 || lost || rest[0].Seq != 3 {
		t.Errorf("after 2 come %+v", rest)
	}
	if rest, lost := c.Events(c.LastEvent()); len(rest) != 0 || lost {
		t.Errorf("after the last come %+v", rest)
	}
}

func TestSlowSubscriberIsTold(t *testing.T) {
	c := chaintest.Open(t, chaintest.Rules())
	submit(t, c, "", chain.MaxEvents+10)
	events, lost := c.Events(5)
	if !lost || len(events) != chain.MaxEvents || events[len(events)-1].Seq != c.LastEvent() {
		t.Errorf("%d events, lost %v", len(events), lost)
	}
	if events, lost := c.Events(10); lost || len(events) != chain.MaxEvents {
		t.Errorf("from the oldest kept: %d events, lost %v", len(events), lost)
	}
}

// TestRunIsOneEvent: many blocks at once wake subscribers once, with the newest tip.
func TestRunIsOneEvent(t *testing.T) {
	tree := chaintest.New(t).Mine(100)
	c := chaintest.Open(t, tree.Rules())
	addRuns(t, c, tree.Blocks())
	events, _ := c.Events(0)
	if len(events) != 1 || events[0].Header != tree.Tip() || string(events[0].Block.Canonical()) != string(tree.Blocks()[99].Canonical()) {
		t.Errorf("events are %+v", events)
	}
}

// TestSnapshotHoldsItsBlocks: a reorg changes no answer of a snapshot that is older.
func TestSnapshotHoldsItsBlocks(t *testing.T) {
	c := chaintest.Open(t, chaintest.Rules())
	blocks := chaintest.MineOn(t, c, 3)
	snap := c.Snapshot()
	defer snap.Close()
	for _, b := range chaintest.New(t).Mine(9).Branch() {
		if _, err := c.Add(b, "peer"); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range blocks {
		at, err := snap.At(b.Index())
		if err != nil || at.Block.Hash() != b.Hash() || !at.Active {
			t.Errorf("block %d: %+v, %v", b.Index(), at, err)
		}
		if held, err := snap.Block(b.Hash()); err != nil || !held.Active || held.Block.Index() != b.Index() {
			t.Errorf("block %d by hash: %+v, %v", b.Index(), held, err)
		}
		if held, err := c.Block(b.Hash()); err != nil || held.Active {
			t.Errorf("block %d now: %+v, %v", b.Index(), held, err)
		}
	}
	for _, index := range []int64{-1, 0, snap.Tip().Index + 1} {
		if _, err := snap.At(index); !errors.Is(err, chain.ErrNotFound) {
			t.Errorf("block %d: %v", index, err)
		}
	}
	if _, err := snap.Block(c.Tip().Hash); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("a block that came later: %v", err)
	}
}

func TestLookupNamesItsTip(t *testing.T) {
	c := chaintest.Open(t, chaintest.Rules())
	p := chaintest.Payment()
	if _, err := c.Submit(p, ""); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if found, err := c.Transaction(p.ID()); err != nil || found.Tip != c.Tip() {
			t.Errorf("%+v, %v", found, err)
		}
		chaintest.MineOn(t, c, 1)
	}
}
