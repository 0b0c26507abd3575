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

// A download's helpers are asked for blocks below the tip that the lead named, so all spans belong to one
// chain. If two peers' spans do not join, one of the two is not on that chain, and the blocks alone do not show
// which one. Then the lead must deliver the whole chain alone: if it does, the peer that sent other blocks is
// known; if it does not, no other peer is blamed.

// blockAt is the first or last block of a span, and its sender.
type blockAt struct {
	from  peer.ID
	index int64
	hash  consensus.Hash
}

func pieceOf(b *consensus.Block, from peer.ID) blockAt {
	return blockAt{from: from, index: b.Index(), hash: b.Hash()}
}

// borderError says that the spans of two peers do not join.
type borderError struct {
	before, after blockAt
	height        int64 // of the lead's tip
	tip           consensus.Hash
}

func (e *borderError) Error() string {
	return fmt.Sprintf("block %d of %s does not extend block %d of %s", e.after.index, e.after.from, e.before.index, e.before.from)
}

// joins checks that a batch from p extends the last inserted block, or, if it is the first batch, a block of our chain.
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
		last = blockAt{from: d.lead, index: d.head.Fork}
	case previous == last.hash:
		return nil
	}
	if p == last.from {
		return wire.Violation("block %d does not extend block %d, both sent as of one chain", first.Index(), last.index)
	}
	return d.border(last, pieceOf(first, p))
}

// arrives checks that a block at the height of the lead's tip is that tip. p sent the last inserted block.
func (d *download) arrives(p peer.ID) error {
	if d.last.index != d.head.Height || d.last.hash == d.head.Tip {
		return nil
	}
	if p == d.lead {
		return wire.Violation("block %d is %s, the tip was said to be %s", d.last.index, d.last.hash.Short(), d.head.Tip.Short())
	}
	return d.border(d.last, blockAt{from: d.lead, index: d.head.Height, hash: d.head.Tip})
}

func (d *download) border(before, after blockAt) error {
	return &borderError{before: before, after: after, height: d.head.Height, tip: d.head.Tip}
}

// Download downloads the chain of lead, and returns how many blocks were new.
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

// chargeStray stalls the helpers whose blocks at a border are not on the chain that the lead has delivered.
func (s *Syncer) chargeStray(e *borderError, lead peer.ID) {
	if !s.isActive(e.height, e.tip) {
		return
	}
	for _, p := range []blockAt{e.before, e.after} {
		if p.from != lead && !s.isActive(p.index, p.hash) {
			s.peers.Stall(p.from, e.Error())
		}
	}
}

// isActive reports whether the block at index of our active chain has this hash.
func (s *Syncer) isActive(index int64, hash consensus.Hash) bool {
	held, err := s.chain.At(index)
	return err == nil && held.Block.Hash() == hash
}
