package gossip

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/p2p/wire"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Bounds of publishing.
const (
	maxOrphans      = 1024
	meshWorkers     = 4
	maxUnpaidLogged = 10 // lines about payments that one block makes impossible
)

// Run publishes the events of this chain until ctx ends.
func (g *Gossip) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for range pullWorkers {
		wg.Go(func() { g.pullAll(ctx) })
	}
	for range meshWorkers {
		wg.Go(func() { g.pullFromMesh(ctx) })
	}
	wg.Go(func() {
		g.lab.Deliver(ctx, func(from peer.ID, topic string, data []byte) { g.deliverLate(ctx, from, topic, data) })
	})
	wake, stop := g.c.Watch()
	defer stop()
	pos := g.drain(ctx, g.pos)
	for {
		select {
		case <-wake:
			pos = g.drain(ctx, pos)
		case <-ctx.Done():
			return nil
		}
	}
}

// pullFromMesh exchanges status and pool with each peer that is new in the mesh. Messages between its
// connection and its graft, up to a heartbeat later, are not relayed to it, and gossip never makes up for them.
func (g *Gossip) pullFromMesh(ctx context.Context) {
	for {
		select {
		case p := <-g.meshed:
			g.s.Wake(p)
			if err := g.s.PullPool(ctx, p); err != nil {
				g.log.Debug("pool of a new neighbour not pulled", "peer", p, "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// drain publishes the events after pos that peers may not know, and returns the new position. The chain reports
// our own blocks and transactions after they are on disk.
func (g *Gossip) drain(ctx context.Context, pos uint64) uint64 {
	events, lost := g.c.Events(pos)
	if lost {
		g.republish(ctx)
	}
	for _, e := range events {
		pos = e.Seq
		g.m.Happened(e)
		if e.Kind == chain.EventReorg {
			g.log.Info("another branch replaced ours", "index", e.Header.Index, "hash", e.Header.Hash.Short(), "old_index", e.Old.Index, "blocks_dropped", e.Dropped,
				"payments_returned", e.Returned, "payments_unpaid", e.Unpaid.Count, "from", e.From)
		}
		for _, u := range e.Unpaid.First[:min(len(e.Unpaid.First), maxUnpaidLogged)] {
			g.log.Info("payment can no longer be paid", "id", u.Payment.ID(), "reason", unpaidReason(u), "index", e.Header.Index, "hash", e.Header.Hash.Short(), "of", e.Unpaid.Count)
		}
		if g.isUnpublished(e) {
			g.publish(ctx, e)
		}
	}
	return pos
}

// unpaidReason returns for the log why a payment was dropped for good.
func unpaidReason(u chain.UnpaidPayment) string {
	switch u.Reason {
	case chain.UnpaidConflict:
		return "the chain holds another payment with its id"
	case chain.UnpaidExpired:
		return "no block took it within a day"
	case chain.UnpaidRoom:
		return "a reorg dropped its block, and the pool was full"
	}
	return "its sender has too little"
}

// isUnpublished reports whether e is to be published: it is our own, or a block that arrived by gossip as an
// orphan and is attached now.
func (g *Gossip) isUnpublished(e chain.Event) bool {
	if e.Kind == chain.EventExpired {
		return false
	}
	return e.From == "" || e.Kind != chain.EventTransaction && g.orphans.Remove(e.Header.Hash)
}

// publish publishes the block or payment of e.
func (g *Gossip) publish(ctx context.Context, e chain.Event) {
	var err error
	if e.Kind == chain.EventTransaction {
		err = g.publishTransaction(ctx, e.Payment)
	} else {
		g.relayed.take(e.Header)
		err = g.publishBlock(ctx, e.Block)
	}
	if err != nil && ctx.Err() == nil {
		g.log.Error("not published", "error", err)
	}
}

// publishBlock publishes b, or an announcement if b is large.
func (g *Gossip) publishBlock(ctx context.Context, b *consensus.Block) error {
	data := b.Canonical()
	if len(data) > wire.MaxWhole {
		data = wire.AnnouncementOf(b).Append(nil)
	}
	if g.lab.Intercepts(g.h.ID(), BlockTopic(g.net), data) {
		return nil
	}
	if err := g.blocks.Publish(ctx, data); err != nil {
		return fmt.Errorf("publish block %d %s: %w", b.Index(), b.Hash().Short(), err)
	}
	g.m.Message("published", blockLabel)
	return nil
}

// publishTransaction publishes p. The rules have checked its size: pubsub would drop an oversize message silently.
func (g *Gossip) publishTransaction(ctx context.Context, p consensus.Payment) error {
	data := []byte(p.Canonical())
	if g.lab.Intercepts(g.h.ID(), TxTopic(g.net), data) {
		return nil
	}
	if err := g.txs.Publish(ctx, data); err != nil {
		return fmt.Errorf("publish transaction %s: %w", p.ID(), err)
	}
	g.m.Message("published", txLabel)
	return nil
}

// deliverLate validates a delayed message, as the validator of its topic does, and relays it.
func (g *Gossip) deliverLate(ctx context.Context, from peer.ID, topic string, data []byte) {
	if g.Judge(ctx, from, topic, data) != pubsub.ValidationAccept {
		return
	}
	to := g.blocks
	if topic == TxTopic(g.net) {
		to = g.txs
	}
	if err := to.Publish(ctx, data); err != nil && ctx.Err() == nil {
		g.log.Debug("delayed message not passed on", "error", err)
	}
}

// PublishTip publishes the tip after a sync: peers may have no other source for it.
func (g *Gossip) PublishTip(ctx context.Context, tip *consensus.Block) {
	if err := g.publishBlock(ctx, tip); err != nil && ctx.Err() == nil {
		g.log.Error("not published", "error", err)
	}
}

// PublishPayment publishes a payment from a pool exchange: gossip may have lost it for other peers, too.
func (g *Gossip) PublishPayment(ctx context.Context, p consensus.Payment) {
	if err := g.publishTransaction(ctx, p); err != nil && ctx.Err() == nil {
		g.log.Error("not published", "error", err)
	}
}

// republish publishes the tip and all pending payments, after events were lost.
func (g *Gossip) republish(ctx context.Context) {
	err := g.c.Sync()
	if held, e := g.c.At(g.c.Tip().Index); e == nil && err == nil {
		err = g.publishBlock(ctx, held.Block)
	}
	for _, t := range g.c.Pending() {
		if err != nil || ctx.Err() != nil {
			break
		}
		err = g.publishTransaction(ctx, t)
	}
	if err != nil && !errors.Is(err, ctx.Err()) {
		g.log.Error("not published again", "error", err)
	}
}
