package p2p

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// servesOwn answers chain requests of an index with blocks of its own chain, whatever chain was asked for.
func servesOwn(st *station) handler {
	return func(_ context.Context, x *exchange) error {
		payload, err := readOne(x.r, maxSyncRequest)
		if err != nil {
			return err
		}
		req, err := parseSyncRequest(payload)
		if err != nil {
			return err
		}
		req.Until = consensus.Hash{}
		snap := st.chain.Snapshot()
		defer snap.Close()
		head := planAnswer(snap, req)
		if err := writeFrame(x.w, head.append(nil)); err != nil {
			return err
		}
		for raw, err := range snap.Blocks(head.From, head.From+int64(head.Count)) {
			if err != nil {
				return err
			}
			if err := writeFrame(x.w, bytes.Clone(raw)); err != nil {
				return err
			}
		}
		return x.w.Flush()
	}
}

// leads lets a fresh node follow lead with the help of helper, and returns the node and what the sync ended with.
func leads(t *testing.T, lead, helper *station, spanBlocks int64) (fresh *station) {
	t.Helper()
	fresh = newStation(t, chaintest.Open(t, chaintest.Rules()))
	fresh.spanBlocks = spanBlocks
	for _, st := range []*station{lead, helper} {
		fresh.connect(t, st)
		if err := fresh.exchangeStatus(t.Context(), st.id); err != nil {
			t.Fatal(err)
		}
	}
	claim, _ := fresh.claim(lead.id)
	if err := fresh.follow(t.Context(), lead.id, claim); err != nil {
		t.Fatal(err)
	}
	fresh.tasks.Wait()
	return fresh
}

// TestStrayHelperIsChargedNotTheLead lets a helper serve another branch than the one that it is asked for.
func TestStrayHelperIsChargedNotTheLead(t *testing.T) {
	if Raced {
		t.Skip("under the race detector the lead is at times slower than the limit of a stall: it runs without")
	}
	noLeaks(t)
	tree := chaintest.New(t).Mine(2000)
	blocks := tree.Branch()
	stray := chaintest.New(t).Paying().Mine(2000).Branch()
	lead := newStation(t, chainOf(t, chaintest.Rules(), blocks...))
	helper := newStation(t, chainOf(t, chaintest.Rules(), stray...))
	asked, own := make(chan struct{}), servesOwn(helper)
	var once sync.Once
	helper.server.handlers[syncName] = func(ctx context.Context, x *exchange) error {
		once.Do(func() { close(asked) })
		return own(ctx, x)
	}
	helper.serveOnly(t)
	var served atomic.Int64
	lead.server.handlers[syncName] = func(ctx context.Context, x *exchange) error {
		if served.Add(1) > 1 {
			<-asked // so that the helper has its part
		}
		return lead.server.serveSync(ctx, x)
	}
	lead.serveOnly(t)
	fresh := leads(t, lead, helper, 64)
	if fresh.chain.Tip().Hash != blocks[len(blocks)-1].Hash() {
		t.Errorf("the tip is %v, not the lead's", fresh.chain.Tip())
	}
	if !fresh.faults.paused(helper.id) {
		t.Error("the helper that served another branch is not paused")
	}
	if fresh.faults.paused(lead.id) || fresh.faults.refused(lead.id) {
		t.Error("the lead, who brought what it named, is left alone")
	}
}

// TestLeadThatDoesNotReachItsTipIsPunished lets a lead name a tip that its blocks do not lead to.
func TestLeadThatDoesNotReachItsTipIsPunished(t *testing.T) {
	noLeaks(t)
	blocks := chaintest.New(t).Mine(300).Branch()
	other := chaintest.New(t).Paying().Mine(300).Branch()
	helper := newStation(t, chainOf(t, chaintest.Rules(), other...)).serveOnly(t)
	lead := newStation(t, chainOf(t, chaintest.Rules(), blocks...))
	lead.server.handlers[syncName] = forged(func() *server { return lead.server }, func(_ syncRequest, head *syncHead, raws [][]byte) [][]byte {
		head.Tip = helper.chain.Tip().Hash
		return raws
	})
	lead.serveOnly(t)
	fresh := leads(t, lead, helper, spanBlocks)
	if !fresh.faults.refused(lead.id) {
		t.Error("the lead is not refused")
	}
	if fresh.faults.paused(helper.id) || fresh.faults.refused(helper.id) {
		t.Error("the helper is left alone for the lead's lie")
	}
}
