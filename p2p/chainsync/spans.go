package chainsync

import (
	"bufio"
	"context"
	"errors"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain/consensus"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// spanWithin is how long the answer to one request may take; the rest is asked for again.
const spanWithin = 60 * time.Second

// errShort is the error of an answer without blocks.
var errShort = errors.New("nothing of what was asked for is on the peer's chain")

// batch is a range of blocks that is checked and inserted at once.
type batch struct {
	raws   [][]byte
	bytes  int    // of raws
	chunk  []byte // buffer of the last of raws
	first  int64  // index that the first block must have
	blocks *consensus.Blocks
	err    error         // why the blocks of raws after those in blocks are invalid
	done   chan struct{} // closed when blocks and err are set
}

// work asks p for spans until none is left or p fails.
func (d *download) work(ctx context.Context, p peer.ID) {
	if p == d.lead && !d.isPlanned() {
		if err := d.open(ctx); err != nil {
			d.failed(ctx, p, err)
			return
		}
	}
	for {
		asking, sp := d.take(ctx, p)
		if sp == nil {
			return
		}
		err := d.read(asking, sp)
		d.release(sp)
		if err != nil {
			d.failed(ctx, p, err)
			return
		}
		if sp.got == sp.to { // a partial answer is not progress: it may have one block
			d.s.peers.Progressed(p)
		}
	}
}

func (d *download) isPlanned() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.planned
}

// failed punishes or stalls p, which did not deliver a span.
func (d *download) failed(ctx context.Context, p peer.ID, err error) {
	switch {
	case ctx.Err() != nil:
	case stream.IsProvable(err):
		d.s.peers.Punish(p, err)
	case errors.Is(err, errShort): // p switched to another branch, or was never on the lead's: not a fault
	default:
		d.s.peers.Stall(p, err.Error())
	}
}

// open asks the lead for the first span, whose head has the fork point and the lead's tip, and starts the other
// workers.
func (d *download) open(ctx context.Context) error {
	asking, sp := newSpan(ctx, d.lead)
	defer sp.drop(nil)
	req := wire.SyncRequest{Count: uint32(d.s.spanBlocks), Bytes: spanBytes, Locator: d.locator}
	err := d.request(asking, sp, req, func(head wire.SyncHead) {
		d.plan(head, sp)
		if sp.to > 0 && sp.to <= head.Height {
			for range leadWorkers - 1 { // send the next requests before the first answer has arrived
				d.start(ctx, d.lead)
			}
		}
		if !d.alone {
			d.workers.Go(func() { d.recruit(ctx) })
		}
	})
	if sp.to > 0 { // planned
		d.release(sp)
	}
	return err
}

// recruit starts helpers: peers that claim at least the lead's height, also those that do so later. They stay
// idle while no span is left, and take over slow ones.
func (d *download) recruit(ctx context.Context) {
	look := time.NewTicker(recruitEvery)
	defer look.Stop()
	for {
		for _, c := range d.s.candidates(func(m wire.Status) bool { return m.Height >= d.head.Height }) {
			if d.admit(c.peer) {
				d.start(ctx, c.peer)
			}
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// read asks for sp's range below the lead's tip.
func (d *download) read(ctx context.Context, sp *span) error {
	req := wire.SyncRequest{From: sp.from, Count: uint32(sp.to - sp.from), Bytes: spanBytes, Until: d.head.Tip}
	return d.request(ctx, sp, req, func(wire.SyncHead) {})
}

// request sends req to sp's peer and reads the answer into sp's batches. It calls planned with the answer's head.
func (d *download) request(ctx context.Context, sp *span, req wire.SyncRequest, planned func(wire.SyncHead)) error {
	err := d.s.client.Ask(ctx, sp.peer, stream.Sync, spanWithin, func(st network.Stream) error {
		if err := stream.SendRequest(st, req.Append(nil)); err != nil {
			return err
		}
		r := bufio.NewReaderSize(stream.NewReader(st, d.s.host.Peerstore().LatencyEWMA(sp.peer)), wire.FrameBuffer)
		payload, err := wire.ReadOne(r, wire.SyncHeadSize)
		if err != nil {
			return err
		}
		head, err := wire.ParseSyncHead(payload)
		if err == nil {
			err = checkHead(head, req)
		}
		if err != nil {
			return err
		}
		planned(head)
		if head.Count == 0 {
			return errShort
		}
		return d.readBlocks(r, sp, head, int(req.Bytes))
	})
	if err != nil && context.Cause(ctx) == errSlow {
		return errSlow
	}
	return err
}

// checkHead checks that the head of an answer fits req.
func checkHead(head wire.SyncHead, req wire.SyncRequest) error {
	switch {
	case head.Count > req.Count:
		return wire.Violation("%d blocks where %d were asked for", head.Count, req.Count)
	case req.From != 0 && head.From != req.From:
		return wire.Violation("blocks from %d where %d was asked for", head.From, req.From)
	case req.From == 0 && (head.Fork < 1 || head.From != head.Fork+1):
		return wire.Violation("blocks from %d after a fork at %d", head.From, head.Fork)
	}
	return nil
}

// readBlocks reads the frames of an answer into batches. Whole blocks before an error are kept.
func (d *download) readBlocks(r *bufio.Reader, sp *span, head wire.SyncHead, most int) error {
	rules := d.s.chain.Rules()
	b := newBatch(sp.got)
	defer func() { d.check(sp, b) }()
	for total := 0; ; {
		n, err := wire.ReadLength(r, rules.MaxBlockBytes)
		switch {
		case err == io.EOF && sp.got == sp.from:
			return errShort
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case total >= most || sp.got >= sp.from+int64(head.Count):
			return wire.Violation("more blocks than were asked for")
		}
		if b.full(n) {
			d.check(sp, b)
			b = newBatch(sp.got)
		}
		if err := b.read(r, n); err != nil {
			return err
		}
		total += n
		sp.got++
	}
}

// newBatch returns an empty batch whose first block must have an index.
func newBatch(first int64) *batch {
	return &batch{first: first, done: make(chan struct{})}
}

// full reports whether a block of n bytes belongs to the next batch.
func (b *batch) full(n int) bool {
	return len(b.raws) == batchBlocks || len(b.raws) > 0 && b.bytes+n > batchBytes
}

// read reads a block of n bytes.
func (b *batch) read(r io.Reader, n int) error {
	if cap(b.chunk)-len(b.chunk) < n {
		b.chunk = make([]byte, 0, max(n, min(2*cap(b.chunk), batchBytes)))
	}
	start := len(b.chunk)
	raw := b.chunk[start : start+n : start+n]
	if _, err := wire.ReadFull(r, raw); err != nil {
		return err
	}
	b.chunk = b.chunk[:start+n]
	b.raws = append(b.raws, raw)
	b.bytes += n
	return nil
}

// check queues a batch for the inserter and parses it in a goroutine.
func (d *download) check(sp *span, b *batch) {
	if len(b.raws) == 0 {
		return
	}
	sp.batches <- b
	d.parsers <- struct{}{}
	d.workers.Go(func() {
		defer func() { <-d.parsers }()
		defer close(b.done)
		b.parse(d.s.chain.Rules())
	})
}

// parse checks each block by itself, the links between them, and the index of the first.
func (b *batch) parse(rules *consensus.Rules) {
	b.blocks, _, b.err = rules.ParseBlocks(b.raws)
	if len(b.blocks.All()) == 0 {
		return
	}
	if first := b.blocks.All()[0].Header(); first.Index != b.first {
		b.blocks, b.err = &consensus.Blocks{}, wire.Violation("block %d where %d was asked for", first.Index, b.first)
	}
}
