package chainsync

import (
	"bytes"
	"context"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p/hosttest"
	"kuai/p2p/stream"
)

func TestColdSyncIsByteIdentical(t *testing.T) {
	hosttest.NoLeaks(t)
	blocks := chaintest.New(t).Paying().Mine(5000).Branch()
	full := startOn(t, chaintest.Rules(), blocks...)
	fresh := startOn(t, chaintest.Rules())
	fresh.connect(t, full)
	tip := blocks[len(blocks)-1].Hash()
	fresh.reaches(t, tip)
	sameChain(t, full.chain, fresh.chain)
	if got := <-fresh.turns; got.Hash != tip {
		t.Errorf("onSwitch was told of %d %s, not of the tip", got.Index, got.Hash.Short())
	}
}

// sameChain fails unless both active chains have the same bytes.
func sameChain(t *testing.T, want, got *chain.Chain) {
	t.Helper()
	a, b := want.Snapshot(), got.Snapshot()
	defer a.Close()
	defer b.Close()
	if a.Tip() != b.Tip() {
		t.Fatalf("tips differ: %+v, %+v", a.Tip(), b.Tip())
	}
	at := func(s *chain.Snapshot, i int64) []byte {
		for raw, err := range s.Blocks(i, i+1) {
			if err != nil {
				t.Fatal(err)
			}
			return bytes.Clone(raw)
		}
		return nil
	}
	for i := range a.Tip().Index {
		if !bytes.Equal(at(a, i+1), at(b, i+1)) {
			t.Fatalf("block %d differs", i+1)
		}
	}
}

func TestReorgBySyncReturnsPayments(t *testing.T) {
	hosttest.NoLeaks(t)
	trunk := chaintest.New(t).Paying().Mine(20)
	common := trunk.Branch()
	short := trunk.Mine(7).Branch()
	long := trunk.Fork(7).Mine(30).Branch()
	winner := startOn(t, chaintest.Rules(), long...)
	loser := startOn(t, chaintest.Rules(), short...)
	loser.connect(t, winner)
	loser.reaches(t, long[len(long)-1].Hash())
	sameChain(t, winner.chain, loser.chain)

	want := make(map[consensus.ID]bool)
	for _, b := range short[len(common):] {
		for _, tx := range b.Transactions() {
			if tx.HasID {
				want[tx.ID] = true
			}
		}
	}
	pending := loser.chain.Pending()
	for _, tx := range pending {
		if !want[tx.ID()] {
			t.Errorf("%s is pending, was on no dropped block", tx.ID())
		}
		delete(want, tx.ID())
	}
	if len(pending) != 7 || len(want) != 0 {
		t.Errorf("%d payments returned, want the 7 of the dropped blocks, missing %v", len(pending), want)
	}
	// The winner never had them. It notices that a peer left a branch of its own, and asks for them.
	hosttest.Eventually(t, "the winner has them pending, too", func() bool { return len(winner.chain.Pending()) == 7 })
}

func TestEqualLengthIsNoReasonToSync(t *testing.T) {
	hosttest.NoLeaks(t)
	tree := chaintest.New(t).Mine(10)
	ours := tree.Branch()
	theirs := tree.Fork(3).Mine(3).Branch()
	one, other := startOn(t, chaintest.Rules(), ours...), startOn(t, chaintest.Rules(), theirs...)
	one.connect(t, other)
	hosttest.Eventually(t, "each knows the other's tip", func() bool {
		a, ok := one.Claim(other.id)
		b, too := other.Claim(one.id)
		return ok && too && a.Tip == theirs[9].Hash() && b.Tip == ours[9].Hash()
	})
	if err := one.Now(t.Context()); err != nil {
		t.Fatal(err)
	}
	if one.chain.Tip().Hash != ours[9].Hash() || one.chain.Has(theirs[9].Hash()) {
		t.Error("an equally long branch was fetched")
	}
}

func TestLateJoinerAndNewBlocksWithoutGossip(t *testing.T) {
	hosttest.NoLeaks(t)
	blocks := chaintest.New(t).Paying().Mine(120).Branch()
	a, b := startOn(t, chaintest.Rules(), blocks[:100]...), startOn(t, chaintest.Rules())
	b.connect(t, a)
	b.reaches(t, blocks[99].Hash())
	for _, block := range blocks[100:] {
		if _, err := a.chain.Add(block, ""); err != nil {
			t.Fatal(err)
		}
	}
	b.Wake(a.id) // what gossip does when it hears an orphan
	b.reaches(t, blocks[119].Hash())
	late := startOn(t, chaintest.Rules())
	late.connect(t, b)
	late.reaches(t, blocks[119].Hash())
	sameChain(t, a.chain, late.chain)
}

func TestStatusRoundFindsWhatNobodyTold(t *testing.T) {
	hosttest.NoLeaks(t)
	blocks := chaintest.New(t).Mine(20).Branch()
	a, b := startOn(t, chaintest.Rules(), blocks[:10]...), startOn(t, chaintest.Rules(), blocks[:10]...)
	b.connect(t, a)
	hosttest.Eventually(t, "they met", func() bool { _, ok := b.Claim(a.id); return ok })
	for _, block := range blocks[10:] {
		if _, err := a.chain.Add(block, ""); err != nil {
			t.Fatal(err)
		}
	}
	b.reaches(t, blocks[19].Hash())
}

func TestSyncFromSeveralPeers(t *testing.T) {
	hosttest.NoLeaks(t)
	blocks := chaintest.New(t).Mine(4000).Branch()
	fresh := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
	fresh.spanBlocks = 100
	fresh.start(t)
	fresh.turn <- struct{}{} // no sync begins before all three have said what they have
	var asked [3]atomic.Int64
	for i := range asked {
		full := newTestPeer(t, chainOf(t, chaintest.Rules(), blocks...))
		honest := full.server.Handlers[stream.Sync]
		full.server.Handlers[stream.Sync] = func(ctx context.Context, x *stream.Exchange) error {
			asked[i].Add(1)
			time.Sleep(100 * time.Millisecond) // the others' turn comes while the lead is busy
			return honest(ctx, x)
		}
		full.start(t)
		fresh.connect(t, full)
		hosttest.Eventually(t, "they met", func() bool { _, ok := fresh.Claim(full.id); return ok })
	}
	<-fresh.turn
	fresh.reaches(t, blocks[len(blocks)-1].Hash())
	total, peers := int64(0), 0
	for i := range asked {
		n := asked[i].Load()
		if total += n; n > 0 {
			peers++
		}
	}
	if total < 40 || peers < 2 {
		t.Errorf("%d requests of %d peers, want one for each of 40 spans, and several peers", total, peers)
	}
}

func TestSyncNowSyncsFromAll(t *testing.T) {
	hosttest.NoLeaks(t)
	blocks := chaintest.New(t).Mine(40).Branch()
	full, fresh := startOn(t, chaintest.Rules(), blocks...), startOn(t, chaintest.Rules())
	silent := newTestPeer(t, chainOf(t, chaintest.Rules(), blocks...))
	silent.server.Handlers[stream.Status] = func(context.Context, *stream.Exchange) error { return io.ErrClosedPipe }
	silent.start(t)
	fresh.connect(t, silent)
	fresh.connect(t, full)
	hosttest.Eventually(t, "both are known to speak", func() bool { return len(fresh.kuaiPeers()) == 2 })
	if err := fresh.Now(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := fresh.chain.Tip(); got.Hash != blocks[39].Hash() {
		t.Errorf("tip is %d after now returned, want 41", got.Index)
	}
	if p := fresh.Progress(); p.Active || p.Height != 41 || p.Target != 41 {
		t.Errorf("progress after a sync: %+v", p)
	}
}
