package chainsync

import (
	"context"
	"time"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

const (
	maxServed   = 1 << 16         // blocks of one answer, at most
	closingTime = 5 * time.Second // a long answer ends, after a whole block, this long before the stream's deadline
)

// serveSync answers a chain request from a snapshot, so that a slow reader delays nothing.
//
//	asker → wire.SyncRequest, then closes its side
//	      ← wire.SyncHead, then up to count frames with a canonical block each, then closes
func (s *Syncer) serveSync(_ context.Context, x *stream.Exchange) error {
	payload, err := wire.ReadOne(x.R, wire.MaxSyncRequest)
	if err != nil {
		return err
	}
	req, err := wire.ParseSyncRequest(payload)
	if err != nil {
		return err
	}
	snap := s.chain.Snapshot()
	defer snap.Close()
	head := planAnswer(snap, req)
	if len(req.Locator) > 0 {
		s.noteFork(x.Peer, head.Fork)
	}
	if err := wire.WriteFrame(x.W, head.Append(nil)); err != nil {
		return err
	}
	if err := sendBlocks(x, snap, head, int(req.Bytes)); err != nil {
		return err
	}
	return x.W.Flush()
}

// planAnswer returns the head of the answer: the blocks of this chain that req asks for.
func planAnswer(snap *chain.Snapshot, req wire.SyncRequest) wire.SyncHead {
	tip := snap.Tip()
	head := wire.SyncHead{From: req.From, Height: tip.Index, Tip: tip.Hash}
	last := tip.Index
	if req.Until != (consensus.Hash{}) {
		last = snap.ForkPoint([]consensus.Hash{req.Until})
	}
	if len(req.Locator) > 0 {
		head.Fork = snap.ForkPoint(req.Locator)
	}
	if req.From == 0 {
		head.From = head.Fork + 1
	}
	head.Count = uint32(max(0, min(last-head.From+1, int64(req.Count), maxServed)))
	return head
}

// sendBlocks sends the blocks of head, up to the block that reaches most bytes, or until shortly before the
// stream's deadline.
func sendBlocks(x *stream.Exchange, snap *chain.Snapshot, head wire.SyncHead, most int) error {
	if head.Count == 0 {
		return nil
	}
	sent, last := 0, x.End.Add(-closingTime)
	for raw, err := range snap.Blocks(head.From, head.From+int64(head.Count)) {
		if err != nil {
			return err
		}
		if err := wire.WriteFrame(x.W, raw); err != nil {
			return err
		}
		if sent += len(raw); sent >= most {
			break
		}
		if x.W.Buffered() < len(raw) && time.Now().After(last) {
			break
		}
	}
	return nil
}
