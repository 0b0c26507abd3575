package chainsync

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p/hosttest"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// submit puts n fresh payments into c and returns their ids in order.
func submit(t *testing.T, c *chain.Chain, n int) []consensus.ID {
	t.Helper()
	ids := make([]consensus.ID, n)
	for i := range ids {
		p := chaintest.Payment()
		if _, err := c.Submit(p, ""); err != nil {
			t.Fatal(err)
		}
		ids[i] = p.ID()
	}
	return ids
}

// pendingIDs returns the ids of c's pool in order.
func pendingIDs(c *chain.Chain) []consensus.ID {
	var ids []consensus.ID
	for _, t := range c.Pending() {
		ids = append(ids, t.ID())
	}
	return ids
}

func TestPoolsMeetOnConnect(t *testing.T) {
	hosttest.NoLeaks(t)
	one, other := startOn(t, chaintest.Rules()), startOn(t, chaintest.Rules())
	theirs := submit(t, other.chain, wire.IDsInFrame+100) // more than one frame of ids
	ours := submit(t, one.chain, 50)
	shared := chaintest.Payment()
	for _, s := range []*testPeer{one, other} {
		if _, err := s.chain.Submit(shared, ""); err != nil {
			t.Fatal(err)
		}
	}
	all := make(map[consensus.ID]bool)
	for _, id := range slices.Concat(ours, theirs, []consensus.ID{shared.ID()}) {
		all[id] = true
	}
	one.connect(t, other)
	for _, s := range []*testPeer{one, other} {
		hosttest.Eventually(t, "the pool is complete", func() bool { n, _ := s.chain.PoolSize(); return n >= len(all) })
		got := make(map[consensus.ID]bool)
		for _, id := range pendingIDs(s.chain) {
			got[id] = true
		}
		if !maps.Equal(got, all) {
			t.Errorf("%d distinct payments pending, want %d", len(got), len(all))
		}
	}
	if got := pendingIDs(one.chain)[51:]; !slices.Equal(got, theirs) {
		t.Error("the order of arrival was lost on the way")
	}
}

func TestPoolExchangeSkipsWhatIsMined(t *testing.T) {
	hosttest.NoLeaks(t)
	one, other := newTestPeer(t, chaintest.Open(t, chaintest.Rules())), newTestPeer(t, chaintest.Open(t, chaintest.Rules())).serveOnly(t)
	mined := chaintest.Payment()
	block := chaintest.Block(t, chaintest.Rules(), one.chain.Tip(), "miner", mined.Transaction())
	if _, err := other.chain.Submit(mined, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := one.chain.Add(block, ""); err != nil {
		t.Fatal(err)
	}
	fresh := submit(t, other.chain, 3)
	one.connect(t, other)
	if err := one.PullPool(t.Context(), other.id); err != nil {
		t.Fatal(err)
	}
	if got := pendingIDs(one.chain); !slices.Equal(got, fresh) {
		t.Errorf("%d pending, want the 3 that are not mined", len(got))
	}
}

func TestPoolLiesAreProvable(t *testing.T) {
	offered, stranger := chaintest.Payment(), chaintest.Payment()
	negative := offered.Transaction()
	negative.Amount = "-1"
	ids := wire.AppendIDs(nil, []consensus.ID{offered.ID()})
	lies := map[string]struct {
		ids []byte   // the only frame of ids
		raw [][]byte // the transactions
	}{
		"a transaction that was not asked for": {ids, [][]byte{[]byte(stranger.Canonical())}},
		"the same one twice":                   {ids, [][]byte{[]byte(offered.Canonical()), []byte(offered.Canonical())}},
		"an invalid one":                       {ids, [][]byte{negative.AppendCanonical(nil)}},
		"one that is not canonical":            {ids, [][]byte{append([]byte(offered.Canonical()), ' ')}},
		"one that is too large":                {ids, [][]byte{make([]byte, chaintest.Rules().MaxTransactionBytes+1)}},
		"half an id":                           {ids[:8], nil},
		"a frame with too many ids":            {make([]byte, wire.MaxIDs+wire.IDSize), nil},
	}
	for name, lie := range lies {
		t.Run(name, func(t *testing.T) {
			hosttest.NoLeaks(t)
			liar := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
			liar.server.Handlers[stream.Pool] = func(_ context.Context, x *stream.Exchange) error {
				_, _ = x.Stream.Write(append(wire.AppendFrame(nil, lie.ids), 0))
				if _, err := readWanted(x, 10); err != nil {
					return err
				}
				for _, raw := range lie.raw {
					_, _ = x.Stream.Write(wire.AppendFrame(nil, raw))
				}
				return nil
			}
			liar.serveOnly(t)
			asker := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
			asker.connect(t, liar)
			if err := asker.PullPool(t.Context(), liar.id); !stream.IsProvable(err) {
				t.Errorf("error %v", err)
			}
			if !asker.table.IsRefused(liar.id) {
				t.Error("the liar is not refused")
			}
			if n, _ := asker.chain.PoolSize(); n > 1 {
				t.Errorf("%d payments in the pool", n)
			}
		})
	}
}

func TestEndlessOfferIsCutOff(t *testing.T) {
	hosttest.NoLeaks(t)
	liar := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
	liar.server.Handlers[stream.Pool] = func(_ context.Context, x *stream.Exchange) error {
		for {
			ids := make([]byte, 0, wire.MaxIDs)
			for range wire.IDsInFrame {
				id := chain.NewID()
				ids = append(ids, id[:]...)
			}
			if _, err := x.Stream.Write(wire.AppendFrame(nil, ids)); err != nil {
				return err
			}
		}
	}
	liar.serveOnly(t)
	asker := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
	asker.connect(t, liar)
	if err := asker.PullPool(t.Context(), liar.id); !errors.Is(err, wire.ErrViolation) {
		t.Errorf("error %v", err)
	}
}

func TestWantedBeyondTheOfferIsRefused(t *testing.T) {
	hosttest.NoLeaks(t)
	victim := newTestPeer(t, chaintest.Open(t, chaintest.Rules())).serveOnly(t)
	submit(t, victim.chain, 2)
	greedy := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
	victim.table.Protect(greedy.id) // so that the connection lives to carry the code
	greedy.connect(t, victim)
	s := greedy.open(t, victim, stream.Pool)
	if _, err := s.Write(wire.AppendFrame(nil, make([]byte, 3*wire.IDSize))); err != nil {
		t.Fatal(err)
	}
	_ = s.CloseWrite() // the refusal may have come already
	if code := resetCode(t, s); code != stream.CodeViolation {
		t.Errorf("ended with %#x, want %#x", code, stream.CodeViolation)
	}
	hosttest.Eventually(t, "the greedy peer is paused", func() bool { return victim.table.Paused(greedy.id) })
}

// TestPoolsArePulledFewAtATime lets many peers offer payments and then say nothing, and each of them ask for it
// to be done again.
func TestPoolsArePulledFewAtATime(t *testing.T) {
	hosttest.NoLeaks(t)
	asker := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
	var now, most atomic.Int64
	var mute []*testPeer
	for range 3 * maxPoolPulls {
		m := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
		m.server.Handlers[stream.Pool] = func(ctx context.Context, x *stream.Exchange) error {
			n := now.Add(1)
			defer now.Add(-1)
			for was := most.Load(); n > was && !most.CompareAndSwap(was, n); was = most.Load() {
			}
			_, _ = io.Copy(io.Discard, x)
			return nil
		}
		mute = append(mute, m.serveOnly(t))
		asker.connect(t, m)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var pulls sync.WaitGroup
	for _, m := range slices.Concat(mute, mute, mute) {
		pulls.Go(func() { _ = asker.PullPool(ctx, m.id) })
	}
	hosttest.Eventually(t, "as many are pulled as may be", func() bool { return now.Load() == maxPoolPulls })
	cancel()
	pulls.Wait()
	if n := most.Load(); n > maxPoolPulls {
		t.Errorf("%d pools were pulled at once, at most %d may be", n, maxPoolPulls)
	}
}

func TestPoolIsPulledOnceAtATime(t *testing.T) {
	hosttest.NoLeaks(t)
	asker, mute := newTestPeer(t, chaintest.Open(t, chaintest.Rules())), newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
	asked := make(chan struct{}, 16)
	mute.server.Handlers[stream.Pool] = func(ctx context.Context, x *stream.Exchange) error {
		asked <- struct{}{}
		_, _ = io.Copy(io.Discard, x)
		return nil
	}
	mute.serveOnly(t)
	asker.connect(t, mute)
	ctx, cancel := context.WithCancel(t.Context())
	var first sync.WaitGroup
	first.Go(func() { _ = asker.PullPool(ctx, mute.id) })
	<-asked
	if err := asker.PullPool(ctx, mute.id); err != nil { // it does not wait
		t.Error(err)
	}
	cancel()
	first.Wait()
	if len(asked) > 0 {
		t.Error("asked twice")
	}
}
