package p2p

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain"
	"kuai/chain/consensus"
)

// An announcement stands on the block topic for a block of more than maxWhole bytes. Its one form, spaces included:
//
//	{"hash": "<64 hex>", "index": 7, "previous_hash": "<64 hex>", "size": 70000}
//
// hash is the block's, size its canonical bytes. Whoever passes it on holds the block and gives it by /kuai/<net>/blocks/1.
// No block begins with the same bytes, as its first key is "index".
const (
	maxAnnouncement = 256             // bytes; the longest is 205
	pullTimeout     = 5 * time.Second // for the answer of each announcer
)

var announcementStart = []byte(`{"hash": "`)

// announced is an announcement and who sent it.
type announced struct {
	hash, parent consensus.Hash
	index        int64
	size         int
	from         peer.ID
}

// appendAnnouncement appends the wire form.
func (a announced) appendAnnouncement(dst []byte) []byte {
	return fmt.Appendf(dst, `{"hash": "%s", "index": %d, "previous_hash": "%s", "size": %d}`, a.hash, a.index, a.parent, a.size)
}

// announcementOf stands for b.
func announcementOf(b *consensus.Block) announced {
	h := b.Header()
	return announced{hash: h.Hash, parent: h.Previous, index: h.Index, size: len(b.Canonical())}
}

// parseAnnouncement reads the wire form and takes no other spelling.
func parseAnnouncement(raw []byte, r *consensus.Rules) (announced, error) {
	if len(raw) > maxAnnouncement {
		return announced{}, fmt.Errorf("announcement of %d bytes, at most %d", len(raw), maxAnnouncement)
	}
	var m struct {
		Hash     string `json:"hash"`
		Index    int64  `json:"index"`
		Previous string `json:"previous_hash"`
		Size     int    `json:"size"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return announced{}, fmt.Errorf("announcement: %w", err)
	}
	a := announced{index: m.Index, size: m.Size}
	var err1, err2 error
	a.hash, err1 = consensus.ParseHash(m.Hash)
	a.parent, err2 = consensus.ParseHash(m.Previous)
	if err := errors.Join(err1, err2); err != nil {
		return announced{}, fmt.Errorf("announcement: %w", err)
	}
	if string(a.appendAnnouncement(nil)) != string(raw) {
		return announced{}, errors.New("announcement is not in its one form")
	}
	if a.index < 2 || a.size <= maxWhole || a.size > r.MaxBlockBytes {
		return announced{}, fmt.Errorf("announcement of block %d of %d bytes: only %d to %d are announced", a.index, a.size, maxWhole+1, r.MaxBlockBytes)
	}
	return a, nil
}

// judgeAnnouncement never accepts: the block is pulled first, and then announced as our own.
func (g *gossip) judgeAnnouncement(from peer.ID, raw []byte) pubsub.ValidationResult {
	a, err := parseAnnouncement(raw, g.c.Rules())
	if err != nil {
		g.refuseMessage(from, "announcement", err)
		return pubsub.ValidationReject
	}
	a.from = from
	switch {
	case g.c.Has(a.hash):
	case !g.c.Has(a.parent):
		g.refuseMessage(from, "announcement", fmt.Errorf("%w: block %d %s on %s", chain.ErrOrphan, a.index, a.hash.Short(), a.parent.Short()))
		g.m.orphans.Inc()
		g.orphans.add(a.hash)
		g.s.wake(from)
	case g.f.paused(from), !g.pulls.add(a): // so many at once are no longer news: let the sync do it
		g.s.wake(from)
	}
	return pubsub.ValidationIgnore
}

// pullAll fetches announced blocks until ctx ends.
func (g *gossip) pullAll(ctx context.Context) {
	for {
		select {
		case a := <-g.pulls.queue:
			g.pullOne(ctx, a)
		case <-ctx.Done():
			return
		}
	}
}

// pullOne fetches an announced block from one announcer after the other, and announces it in turn.
func (g *gossip) pullOne(ctx context.Context, a announced) {
	defer g.pulls.done(a)
	defer g.s.expect(a.hash)()
	for !g.c.Has(a.hash) && ctx.Err() == nil {
		p, ok := g.pulls.next(a)
		if !ok {
			return
		}
		if g.f.paused(p) {
			continue
		}
		its := a
		its.from = p
		if err := g.pullFrom(ctx, its); err != nil {
			g.refuse(p, blocksName, "announced block not taken", "hash", a.hash, "error", err)
			g.s.wake(p)
		}
	}
}

// pullFrom fetches an announced block from its announcer and announces it.
func (g *gossip) pullFrom(ctx context.Context, a announced) error {
	b, err := g.fetchBlock(ctx, a)
	if err != nil {
		return err
	}
	return g.takePulled(ctx, a.from, b)
}

// fetchBlock gets an announced block from its announcer, who answers for it.
func (g *gossip) fetchBlock(ctx context.Context, a announced) (*consensus.Block, error) {
	raws, err := g.s.fetch(ctx, a.from, []consensus.Hash{a.hash})
	switch {
	case errors.Is(err, errUnlisted), err == nil && raws[0] == nil:
		err := violation("announced a block that it does not give")
		if g.pulls.isProvenFalse(a.from) {
			g.s.punish(a.from, err)
		}
		return nil, err
	case err != nil:
		if !isOurs(err) {
			g.f.stall(a.from, err.Error())
		}
		return nil, err
	}
	g.f.progressed(a.from)
	b, err := g.c.Rules().ParseBlock(raws[0]) // its hash is the one asked for
	if err == nil {
		said := announcementOf(b)
		if said.from = a.from; said != a {
			err = violation("announced block is not what was announced: block %d of %d bytes", b.Index(), said.size)
		}
	}
	if err != nil {
		g.s.punish(a.from, err)
		return nil, err
	}
	return b, nil
}

// takePulled hands a pulled block to the chain and announces it.
func (g *gossip) takePulled(ctx context.Context, from peer.ID, b *consensus.Block) error {
	switch g.addBlock(from, b) {
	case pubsub.ValidationAccept:
		return g.publishBlock(ctx, b)
	case pubsub.ValidationReject:
		g.s.punish(from, errors.New("announced an invalid block"))
	}
	return nil
}
