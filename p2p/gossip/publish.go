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

// What gossip remembers for a while.
const (
	maxOrphans      = 1024
	menders         = 4
	maxUnpaidLogged = 10 // of the payments that one block makes impossible
)

// Run spreads what happens on this chain until ctx ends.
func (g *Gossip) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for range pullWorkers {
		wg.Go(func() { g.pullAll(ctx) })
	}
	for range menders {
		wg.Go(func() { g.mend(ctx) })
	}
	wg.Go(func() {
		g.lab.Deliver(ctx, func(from peer.ID, topic string, data []byte) { g.late(ctx, from, topic, data) })
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

// mend asks each peer that is new in the mesh for what it has. Between its connection and the mesh, up to a heartbeat
// later, nobody passes messages on to it, and gossip never does so afterwards.
func (g *Gossip) mend(ctx context.Context) {
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

// drain publishes what happened after pos that peers may not know, and returns the new position. Our own blocks and
// transactions are on disk before the chain tells of them.
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
		if g.news(e) {
			g.publish(ctx, e)
		}
	}
	return pos
}

// unpaidReason says in the log why a payment was dropped for good.
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

// news reports whether e is to be published: it is our own, or a block that gossip heard too early to pass it on, and that is attached now.
func (g *Gossip) news(e chain.Event) bool {
	if e.Kind == chain.EventExpired {
		return false
	}
	return e.From == "" || e.Kind != chain.EventTransaction && g.orphans.Remove(e.Header.Hash)
}

// publish sends e's subject.
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

// publishBlock sends b whole, or announces it where it is large.
func (g *Gossip) publishBlock(ctx context.Context, b *consensus.Block) error {
	data := b.Canonical()
	if len(data) > wire.MaxWhole {
		data = wire.AnnouncementOf(b).Append(nil)
	}
	if g.lab.Takes(g.h.ID(), BlockTopic(g.net), data) {
		return nil
	}
	if err := g.blocks.Publish(ctx, data); err != nil {
		return fmt.Errorf("publish block %d %s: %w", b.Index(), b.Hash().Short(), err)
	}
	g.m.Message("published", blockLabel)
	return nil
}

// publishTransaction sends p. Its size is checked by the rules: pubsub would drop an oversize message in silence.
func (g *Gossip) publishTransaction(ctx context.Context, p consensus.Payment) error {
	data := []byte(p.Canonical())
	if g.lab.Takes(g.h.ID(), TxTopic(g.net), data) {
		return nil
	}
	if err := g.txs.Publish(ctx, data); err != nil {
		return fmt.Errorf("publish transaction %s: %w", p.ID(), err)
	}
	g.m.Message("published", txLabel)
	return nil
}

// late judges a message that waited, as the validator of its topic does, and passes it on.
func (g *Gossip) late(ctx context.Context, from peer.ID, topic string, data []byte) {
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

// PublishTip sends the tip after a switch by sync: neighbours may have nobody else to hear it from.
func (g *Gossip) PublishTip(ctx context.Context, tip *consensus.Block) {
	if err := g.publishBlock(ctx, tip); err != nil && ctx.Err() == nil {
		g.log.Error("not published", "error", err)
	}
}

// PublishPayment sends a payment that a pool exchange brought: gossip may have lost it for neighbours, too.
func (g *Gossip) PublishPayment(ctx context.Context, p consensus.Payment) {
	if err := g.publishTransaction(ctx, p); err != nil && ctx.Err() == nil {
		g.log.Error("not published", "error", err)
	}
}

// republish sends the tip and all that is pending, after events were lost.
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
