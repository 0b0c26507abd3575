package chainsync

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain/consensus"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// A download's helpers are asked for blocks below the tip that the lead named, so all spans belong to one chain. If two peers' spans do
// not join, one of the two is not on that chain, and the blocks alone do not tell which. Then the lead must bring the whole chain
// alone: if it does, the peer that gave other blocks is known; if it does not, nobody else is to blame.

// piece is a block at an end of a span.
type piece struct {
	from  peer.ID
	index int64
	hash  consensus.Hash
}

func pieceOf(b *consensus.Block, from peer.ID) piece {
	return piece{from: from, index: b.Index(), hash: b.Hash()}
}

// borderError says that the spans of two peers do not join.
type borderError struct {
	before, after piece
	height        int64 // of the lead's tip
	tip           consensus.Hash
}

func (e *borderError) Error() string {
	return fmt.Sprintf("block %d of %s does not extend block %d of %s", e.after.index, e.after.from, e.before.index, e.before.from)
}

// joins checks that a batch of p's extends the last block inserted: for the first one, a block of our chain that the lead named.
func (d *download) joins(b *batch, p peer.ID) error {
	if len(b.blocks.All()) == 0 {
		return nil
	}
	first, last := b.blocks.All()[0], d.last
	previous := first.Header().Previous
	switch {
	case b.first == d.head.From:
		if slices.Contains(d.locator, previous) {
			return nil
		}
		last = piece{from: d.lead, index: d.head.Fork}
	case previous == last.hash:
		return nil
	}
	if p == last.from {
		return wire.Violation("block %d does not extend block %d, both sent as of one chain", first.Index(), last.index)
	}
	return d.border(last, pieceOf(first, p))
}

// arrives checks that a block at the height of the lead's tip is that tip. p sent the last block inserted.
func (d *download) arrives(p peer.ID) error {
	if d.last.index != d.head.Height || d.last.hash == d.head.Tip {
		return nil
	}
	if p == d.lead {
		return wire.Violation("block %d is %s, the tip was said to be %s", d.last.index, d.last.hash.Short(), d.head.Tip.Short())
	}
	return d.border(d.last, piece{from: d.lead, index: d.head.Height, hash: d.head.Tip})
}

func (d *download) border(before, after piece) error {
	return &borderError{before: before, after: after, height: d.head.Height, tip: d.head.Tip}
}

// Download follows the chain of lead, and returns how many blocks were new.
func (s *Syncer) Download(ctx context.Context, lead peer.ID) (added int, err error) {
	d := newDownload(s, lead)
	err = d.run(ctx)
	var border *borderError
	if !errors.As(err, &border) || s.peers.Paused(lead) { // the lead has failed already
		return d.added, err
	}
	s.client.Refused(border.after.from, string(stream.ID(s.network, stream.Sync)), "spans do not join, the lead must bring all", "lead", lead, "error", err)
	alone := newDownload(s, lead)
	alone.alone = true
	if err = alone.run(ctx); err == nil {
		s.chargeStray(border, lead)
	}
	return d.added + alone.added, err
}

// chargeStray stalls the helpers whose blocks at a border are not on the chain of the tip that the lead has borne out.
func (s *Syncer) chargeStray(e *borderError, lead peer.ID) {
	if !s.isActive(e.height, e.tip) {
		return
	}
	for _, p := range []piece{e.before, e.after} {
		if p.from != lead && !s.isActive(p.index, p.hash) {
			s.peers.Stall(p.from, e.Error())
		}
	}
}

// isActive reports whether the block at index on our active chain is the one of hash.
func (s *Syncer) isActive(index int64, hash consensus.Hash) bool {
	held, err := s.chain.At(index)
	return err == nil && held.Block.Hash() == hash
}
