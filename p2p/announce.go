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
)

// An announcement stands on the block topic for a block of more than maxWhole bytes. Its one form, spaces included:
//
//	{"hash": "<64 hex>", "index": 7, "previous_hash": "<64 hex>", "size": 70000}
//
// hash is the block's, size its canonical bytes. Whoever passes it on holds the block and gives it by /kuai/<net>/blocks/1.
// No block begins with the same bytes, as its first key is "index".
const (
	maxAnnouncement = 256 // bytes; the longest is 205
	maxPulls        = 64  // announcements that wait to be followed up
	pullWorkers     = 2
	pullTries       = 3               // peers asked for one block
	pullTimeout     = 5 * time.Second // for the answer of each
)

var announcementStart = []byte(`{"hash": "`)

// announced is an announcement and who sent it.
type announced struct {
	hash, parent chain.Hash
	index        int64
	size         int
	from         peer.ID
}

// appendAnnouncement appends the wire form.
func (a announced) appendAnnouncement(dst []byte) []byte {
	return fmt.Appendf(dst, `{"hash": "%s", "index": %d, "previous_hash": "%s", "size": %d}`, a.hash, a.index, a.parent, a.size)
}

// announcementOf stands for b.
func announcementOf(b *chain.Block) announced {
	h := b.Header()
	return announced{hash: h.Hash, parent: h.Previous, index: h.Index, size: len(b.Canonical())}
}

// parseAnnouncement reads the wire form and takes no other spelling.
func parseAnnouncement(raw []byte, r *chain.Rules) (announced, error) {
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
	a.hash, err1 = chain.ParseHash(m.Hash)
	a.parent, err2 = chain.ParseHash(m.Previous)
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
		g.log.Debug("invalid message refused", "what", "announcement", "peer", from, "error", err)
		return pubsub.ValidationReject
	}
	a.from = from
	switch {
	case g.c.Has(a.hash):
	case !g.c.Has(a.parent):
		g.m.orphans.Inc()
		g.orphans.add(a.hash)
		g.s.wake(from)
	default:
		select {
		case g.pull <- a:
		default: // so many at once are no longer news: let the sync do it
			g.s.wake(from)
		}
	}
	return pubsub.ValidationIgnore
}

// pullAll follows announcements up until ctx ends.
func (g *gossip) pullAll(ctx context.Context) {
	for {
		select {
		case a := <-g.pull:
			if err := g.pullOne(ctx, a); err != nil {
				g.log.Debug("announced block not pulled", "hash", a.hash, "peer", a.from, "error", err)
				g.s.wake(a.from)
			}
		case <-ctx.Done():
			return
		}
	}
}

// pullOne fetches an announced block, first from whoever announced it, and announces it in turn.
func (g *gossip) pullOne(ctx context.Context, a announced) error {
	if g.c.Has(a.hash) {
		return nil
	}
	defer g.s.expect(a.hash)()
	var failed error
	tried := 0
	for _, p := range append([]peer.ID{a.from}, g.blocks.ListPeers()...) {
		if tried > 0 && p == a.from {
			continue
		}
		b, err := g.fetchBlock(ctx, p, a)
		if err == nil {
			return g.takePulled(ctx, a.from, b)
		}
		failed = errors.Join(failed, err)
		if tried++; tried == pullTries || ctx.Err() != nil {
			break
		}
	}
	return failed
}

// fetchBlock gets the announced block from p.
func (g *gossip) fetchBlock(ctx context.Context, p peer.ID, a announced) (*chain.Block, error) {
	raws, err := g.s.fetch(ctx, p, []chain.Hash{a.hash})
	if err != nil {
		return nil, err
	}
	if len(raws) != 1 || raws[0] == nil {
		return nil, fmt.Errorf("%s does not hold it", p)
	}
	b, err := g.c.Rules().ParseBlock(raws[0]) // its hash is the one asked for
	if err == nil {
		said := announcementOf(b)
		if said.from = a.from; said != a {
			err = errors.New("announced block is not what was announced")
		}
	}
	if err != nil {
		g.s.punish(a.from, err)
		return nil, err
	}
	return b, nil
}

// takePulled hands a pulled block to the chain and announces it.
func (g *gossip) takePulled(ctx context.Context, from peer.ID, b *chain.Block) error {
	switch g.addBlock(from, b) {
	case pubsub.ValidationAccept:
		return g.publishBlock(ctx, b)
	case pubsub.ValidationReject:
		g.s.punish(from, errors.New("announced an invalid block"))
	}
	return nil
}
