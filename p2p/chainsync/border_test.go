package chainsync

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p/hosttest"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// servesOwn answers chain requests of an index with blocks of its own chain, whatever chain was asked for.
func servesOwn(tp *testPeer) stream.Handler {
	return func(_ context.Context, x *stream.Exchange) error {
		payload, err := wire.ReadOne(x.R, wire.MaxSyncRequest)
		if err != nil {
			return err
		}
		req, err := wire.ParseSyncRequest(payload)
		if err != nil {
			return err
		}
		req.Until = consensus.Hash{}
		snap := tp.chain.Snapshot()
		defer snap.Close()
		head := planAnswer(snap, req)
		if err := wire.WriteFrame(x.W, head.Append(nil)); err != nil {
			return err
		}
		for raw, err := range snap.Blocks(head.From, head.From+int64(head.Count)) {
			if err != nil {
				return err
			}
			if err := wire.WriteFrame(x.W, bytes.Clone(raw)); err != nil {
				return err
			}
		}
		return x.W.Flush()
	}
}

// newcomer returns a node with an empty chain that is connected to both peers and has heard their statuses.
func newcomer(t *testing.T, lead, helper *testPeer, spanBlocks int64) *testPeer {
	t.Helper()
	fresh := newTestPeer(t, chaintest.Open(t, chaintest.Rules()))
	fresh.spanBlocks = spanBlocks
	for _, tp := range []*testPeer{lead, helper} {
		fresh.connect(t, tp)
		if err := fresh.exchangeStatus(t.Context(), tp.id); err != nil {
			t.Fatal(err)
		}
	}
	return fresh
}

// followsOnce downloads the chain of lead.
func (tp *testPeer) followsOnce(t *testing.T, lead *testPeer) {
	t.Helper()
	claim, _ := tp.Claim(lead.id)
	if err := tp.follow(t.Context(), lead.id, claim); err != nil {
		t.Fatal(err)
	}
	tp.tasks.Wait()
}

// stalls counts the stalls that p was charged with.
func (tp *testPeer) stalls(p peer.ID) int {
	return strings.Count(tp.said.String(), fmt.Sprintf(`msg="peer did not deliver" node=%q peer=%s `, tp.id.ShortString(), p))
}

// lateAsker is a host that asks lead for the beginning of its chain only, until asked is closed: so that a
// helper has its part, however fast the lead is. No stream of the lead waits meanwhile, as that would count as
// a stall.
type lateAsker struct {
	host.Host
	lead  peer.ID
	asked chan struct{}
	calls atomic.Int64
}

// NewStream lets the first chain request through. Of the lead's workers all but one then end without a fault,
// and one waits: together they would hold as many spans as may be asked for at once, and the helper would have
// none.
func (h *lateAsker) NewStream(ctx context.Context, p peer.ID, ids ...protocol.ID) (network.Stream, error) {
	if p == h.lead && strings.HasSuffix(string(ids[0]), "/"+stream.Sync+"/1") {
		select {
		case <-h.asked:
		default:
			switch n := h.calls.Add(1); {
			case n > leadWorkers:
				select {
				case <-h.asked:
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			case n > 1:
				return nil, errShort
			}
		}
	}
	return h.Host.NewStream(ctx, p, ids...)
}

// TestStrayHelperIsChargedNotTheLead lets a helper serve another branch than the one that it is asked for.
func TestStrayHelperIsChargedNotTheLead(t *testing.T) {
	hosttest.NoLeaks(t)
	tree := chaintest.New(t).Mine(2000)
	blocks := tree.Branch()
	stray := chaintest.New(t).Paying().Mine(2000).Branch()
	lead := newTestPeer(t, chainOf(t, chaintest.Rules(), blocks...)).serveOnly(t)
	helper := newTestPeer(t, chainOf(t, chaintest.Rules(), stray...))
	asked, own := make(chan struct{}), servesOwn(helper)
	var once sync.Once
	helper.server.Handlers[stream.Sync] = func(ctx context.Context, x *stream.Exchange) error {
		once.Do(func() { close(asked) })
		return own(ctx, x)
	}
	helper.serveOnly(t)
	fresh := newcomer(t, lead, helper, 64)
	fresh.client.Host = &lateAsker{Host: fresh.host, lead: lead.id, asked: asked}
	fresh.followsOnce(t, lead)
	if fresh.chain.Tip().Hash != blocks[len(blocks)-1].Hash() {
		t.Errorf("the tip is %v, not the lead's", fresh.chain.Tip())
	}
	if fresh.stalls(helper.id) == 0 {
		t.Error("the helper that served another branch is not charged with a stall")
	}
	if fresh.stalls(lead.id) > 0 || fresh.table.Paused(lead.id) || fresh.table.IsRefused(lead.id) {
		t.Error("the lead, who brought what it named, is left alone")
	}
}

// TestLeadThatDoesNotReachItsTipIsPunished lets a lead name a tip that its blocks do not lead to.
func TestLeadThatDoesNotReachItsTipIsPunished(t *testing.T) {
	hosttest.NoLeaks(t)
	blocks := chaintest.New(t).Mine(300).Branch()
	other := chaintest.New(t).Paying().Mine(300).Branch()
	helper := newTestPeer(t, chainOf(t, chaintest.Rules(), other...)).serveOnly(t)
	lead := newTestPeer(t, chainOf(t, chaintest.Rules(), blocks...))
	lead.server.Handlers[stream.Sync] = forged(func() *Syncer { return lead.Syncer }, func(_ wire.SyncRequest, head *wire.SyncHead, raws [][]byte) [][]byte {
		head.Tip = helper.chain.Tip().Hash
		return raws
	})
	lead.serveOnly(t)
	fresh := newcomer(t, lead, helper, spanBlocks)
	fresh.followsOnce(t, lead)
	if !fresh.table.IsRefused(lead.id) {
		t.Error("the lead is not refused")
	}
	if fresh.table.Paused(helper.id) || fresh.table.IsRefused(helper.id) {
		t.Error("the helper is left alone for the lead's lie")
	}
}
