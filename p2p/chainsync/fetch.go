package chainsync

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// fetchWithin bounds the answer to a request by hash.
const fetchWithin = 5 * time.Second

// serveBlocks answers a request for blocks by hash, held on any branch, in the order asked.
//
//	asker → 1..64 hashes, 32 bytes each, in one frame, then closes its side
//	      ← for each a frame with the canonical block, empty if it is not held, then closes
func (s *Syncer) serveBlocks(_ context.Context, x *stream.Exchange) error {
	payload, err := wire.ReadOne(x.R, wire.MaxBlocksAsked*wire.HashSize)
	if err != nil {
		return err
	}
	hashes, err := wire.ParseHashes(payload, wire.MaxBlocksAsked)
	if err != nil {
		return err
	}
	for _, h := range hashes {
		held, err := s.chain.Block(h)
		if err != nil && !errors.Is(err, chain.ErrNotFound) {
			return err
		}
		if err := wire.WriteFrame(x.W, canonical(held)); err != nil {
			return err
		}
	}
	return x.W.Flush()
}

// canonical returns a block's bytes, nil if it is not held.
func canonical(held chain.BlockInfo) []byte {
	if held.Block == nil {
		return nil
	}
	return held.Block.Canonical()
}

// Fetch asks p for 1..64 blocks by hash. It checks only the hashes of the returned bytes; a block that p does
// not hold is nil.
func (s *Syncer) Fetch(ctx context.Context, p peer.ID, hashes []consensus.Hash) ([][]byte, error) {
	var raws [][]byte
	err := s.client.Ask(ctx, p, stream.Blocks, fetchWithin, func(st network.Stream) (err error) {
		if err := stream.SendRequest(st, wire.AppendHashes(nil, hashes)); err != nil {
			return err
		}
		r := stream.NewReader(st, s.host.Peerstore().LatencyEWMA(p))
		raws, err = readBlocks(bufio.NewReaderSize(r, wire.FrameBuffer), hashes, s.chain.Rules().MaxBlockBytes)
		return err
	})
	if err != nil {
		s.blame(p, err)
		return nil, err
	}
	return raws, nil
}

// readBlocks reads the answer to a request by hash.
func readBlocks(r *bufio.Reader, hashes []consensus.Hash, most int) ([][]byte, error) {
	raws := make([][]byte, 0, len(hashes))
	for _, want := range hashes {
		raw, err := wire.ReadOne(r, most)
		if err != nil {
			return nil, err
		}
		switch {
		case len(raw) == 0:
			raw = nil
		case sha256.Sum256(raw) != want:
			return nil, wire.Violation("a block that was not asked for in place of %s", want.Short())
		}
		raws = append(raws, raw)
	}
	return raws, wire.ReadEnd(r)
}
