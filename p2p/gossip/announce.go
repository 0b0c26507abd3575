package gossip

import (
	"context"
	"errors"
	"fmt"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// announced is an announcement and its sender.
type announced struct {
	wire.Announcement
	from peer.ID
}

// judgeAnnouncement never accepts: the block is pulled first, and this node then announces it itself.
func (g *Gossip) judgeAnnouncement(from peer.ID, raw []byte) pubsub.ValidationResult {
	what, err := wire.ParseAnnouncement(raw, g.c.Rules().MaxBlockBytes)
	if err != nil {
		g.refuseMessage(from, "announcement", err)
		return pubsub.ValidationReject
	}
	a := announced{what, from}
	switch {
	case g.c.Has(a.Hash):
	case !g.c.Has(a.Parent):
		g.refuseMessage(from, "announcement", fmt.Errorf("%w: block %d %s on %s", chain.ErrOrphan, a.Index, a.Hash.Short(), a.Parent.Short()))
		g.m.Orphan()
		g.orphans.Add(a.Hash, struct{}{})
		g.s.Wake(from)
	case g.p.Paused(from), !g.pulls.add(a): // with too many at once, a sync is cheaper
		g.s.Wake(from)
	}
	return pubsub.ValidationIgnore
}

// noteDuplicate records who else announced a block. For pubsub that is a duplicate, which no validator sees.
func (g *Gossip) noteDuplicate(m *pubsub.Message) {
	if m.ReceivedFrom == g.h.ID() || !wire.IsAnnouncement(m.Data) || m.GetTopic() != BlockTopic(g.net) {
		return
	}
	if what, err := wire.ParseAnnouncement(m.Data, g.c.Rules().MaxBlockBytes); err == nil {
		g.pulls.addAnnouncer(announced{what, m.ReceivedFrom})
	}
}

// pullAll fetches announced blocks until ctx ends.
func (g *Gossip) pullAll(ctx context.Context) {
	for {
		select {
		case a := <-g.pulls.queue:
			g.pullOne(ctx, a)
		case <-ctx.Done():
			return
		}
	}
}

// pullOne fetches an announced block from its announcers, one after the other, and then announces it.
func (g *Gossip) pullOne(ctx context.Context, a wire.Announcement) {
	defer g.pulls.done(a)
	defer g.s.Expect(a.Hash)()
	for !g.c.Has(a.Hash) && ctx.Err() == nil {
		p, ok := g.pulls.next(a)
		if !ok {
			return
		}
		if g.p.Paused(p) {
			continue
		}
		if err := g.pullFrom(ctx, announced{a, p}); err != nil {
			g.refuse(p, stream.Blocks, "announced block not taken", "hash", a.Hash, "error", err)
			g.s.Wake(p)
		}
	}
}

// pullFrom fetches an announced block from its announcer and announces it.
func (g *Gossip) pullFrom(ctx context.Context, a announced) error {
	b, err := g.fetchBlock(ctx, a)
	if err != nil {
		return err
	}
	return g.takePulled(ctx, a.from, b)
}

// fetchBlock fetches an announced block from its announcer. A false announcement counts against the announcer.
func (g *Gossip) fetchBlock(ctx context.Context, a announced) (*consensus.Block, error) {
	raws, err := g.s.Fetch(ctx, a.from, []consensus.Hash{a.Hash})
	switch {
	case errors.Is(err, stream.ErrUnlisted), err == nil && raws[0] == nil:
		err := wire.Violation("announced a block that it does not give")
		if g.pulls.isProvenFalse(a.from) {
			g.p.Punish(a.from, err)
		}
		return nil, err
	case err != nil:
		if !stream.IsOurs(err) {
			g.p.Stall(a.from, err.Error())
		}
		return nil, err
	}
	g.p.Progressed(a.from)
	b, err := g.c.Rules().ParseBlock(raws[0]) // its hash is the one asked for
	if err == nil {
		if said := wire.AnnouncementOf(b); said != a.Announcement {
			err = wire.Violation("announced block is not what was announced: block %d of %d bytes", b.Index(), said.Size)
		}
	}
	if err != nil {
		g.p.Punish(a.from, err)
		return nil, err
	}
	return b, nil
}

// takePulled hands a pulled block to the chain and announces it.
func (g *Gossip) takePulled(ctx context.Context, from peer.ID, b *consensus.Block) error {
	switch g.addBlock(from, b) {
	case pubsub.ValidationAccept:
		return g.publishBlock(ctx, b)
	case pubsub.ValidationReject:
		g.p.Punish(from, errors.New("announced an invalid block"))
	}
	return nil
}
