package chainsync

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// Sizes of a download. What it holds in memory is at most maxAhead spans and a batch for each.
const (
	spanBlocks        = 1 << 14 // most blocks of one request
	spanBytes         = 8 << 20 // bytes of blocks after which an answer ends
	batchBlocks       = 1024    // most blocks checked and inserted at once
	batchBytes        = 256 << 10
	maxBatches        = spanBlocks/batchBlocks + 2*spanBytes/batchBytes + 4
	maxAhead          = 4 // spans asked for and not yet inserted
	logEvery          = 10 * time.Second
	slowAfter         = 4 * time.Second // the inserter waits for a span this long, then an idle worker of another peer may take it over
	recruitEvery      = time.Second
	unproductiveAfter = 8 * time.Second  // if others claim more work than we have, the lead must deliver stream.StallBytes of new blocks in each such period,
	maxUnproductive   = 64 * time.Second // which doubles with each lead in a row that does not: on the worst links all are slow
	leadWorkers       = 4                // spans at once from the lead: a stream's window grows over several round trips
	maxHelpers        = 3                // workers that ask other peers
)

// ErrNoPeers ends a download whose last peer has failed.
var ErrNoPeers = errors.New("no peer is left that delivers")

// errSlow ends a peer's answer that others waited for.
var errSlow = errors.New("slower than the others")

// errUnproductive ends a download whose lead delivers almost nothing new while others claim more work than we have.
var errUnproductive = errors.New("next to nothing new came, and others may have more")

// localError is a failure of this node, not of a peer.
type localError struct{ error }

func (e *localError) Unwrap() error { return e.error }

// download fetches the active chain of one peer, the lead, above the fork point, with the help of others that
// have the same tip on theirs.
//
//	workers: take a span → request → read → batches, each checked in a goroutine of its own
//	run:     the span at the next index → its batches in order → Chain.AddBlocks
//
// The rest of a span that its peer does not finish goes back to todo, for another worker.
type download struct {
	s       *Syncer
	lead    peer.ID
	alone   bool // without helpers
	locator []consensus.Hash
	parsers chan struct{} // bounds the batches checked at once
	added   int           // blocks that were new; the inserter's
	last    blockAt       // the last block inserted; the inserter's
	logged  time.Time     // the inserter's
	workers sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond
	head    wire.SyncHead   // the lead's first answer, once planned
	planned bool            // head is set
	next    int64           // index that the inserter needs next
	todo    []run           // not asked for, ascending
	spans   map[int64]*span // asked for and not yet inserted, by first index
	alive   int             // workers
	joined  map[peer.ID]bool
	over    bool // workers take no more spans
	adding  bool // the inserter is in Chain.AddBlocks
	fresh   int  // approximate bytes of new blocks since marked
	marked  time.Time
}

// run is a range of indexes [from, to).
type run struct{ from, to int64 }

// span is a range that one peer was asked for.
type span struct {
	run
	peer    peer.ID
	got     int64 // index after the last block read; the worker's until batches is closed
	asked   time.Time
	alarm   *time.Timer             // wakes the workers that may take the span over
	drop    context.CancelCauseFunc // takes it away from peer
	batches chan *batch             // its capacity suffices for all, so that a worker never waits for the inserter
}

// newDownload returns a download that has not begun.
func newDownload(s *Syncer, lead peer.ID) *download {
	d := &download{
		s: s, lead: lead, locator: s.chain.Locator(), logged: time.Now(),
		parsers: make(chan struct{}, runtime.GOMAXPROCS(0)),
		marked:  time.Now(),
		spans:   make(map[int64]*span),
		joined:  map[peer.ID]bool{lead: true},
	}
	d.changed = sync.NewCond(&d.mu)
	return d
}

// run downloads and inserts until the lead's tip is reached, no peer delivers, or a block is refused. It
// returns when all workers have ended.
func (d *download) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(ctx, d.end)
	defer func() {
		cancel(nil)
		stop()
		d.end()
		d.workers.Wait()
	}()
	d.workers.Go(func() { d.watch(ctx, cancel) })
	d.start(ctx, d.lead)
	for {
		sp, err := d.nextSpan(ctx)
		if sp != nil && err == nil {
			err = d.insert(ctx, sp)
		}
		if err != nil && context.Cause(ctx) == errUnproductive {
			return errUnproductive
		}
		if sp == nil || err != nil {
			return err
		}
	}
}

// watch ends an unproductive download, so that another peer may lead.
func (d *download) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	patience := min(unproductiveAfter<<min(d.s.unproductive, 8), maxUnproductive)
	look := time.NewTicker(recruitEvery)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			if d.isUnproductive(patience) && d.s.hasOther(d.lead) {
				cancel(errUnproductive)
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// isUnproductive reports whether less than stream.StallBytes of new blocks arrived within patience.
func (d *download) isUnproductive(patience time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.adding || d.fresh >= stream.StallBytes {
		d.fresh, d.marked = 0, time.Now()
	}
	return time.Since(d.marked) >= patience
}

// end makes the workers and the inserter stop.
func (d *download) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	d.changed.Broadcast()
}

// start adds a worker that asks p.
func (d *download) start(ctx context.Context, p peer.ID) {
	d.mu.Lock()
	d.alive++
	d.mu.Unlock()
	d.workers.Go(func() {
		d.work(ctx, p)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.alive--
		d.changed.Broadcast()
	})
}

// plan sets the download's target from the lead's first answer.
func (d *download) plan(head wire.SyncHead, sp *span) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.head, d.planned, d.next = head, true, head.From
	if head.Count == 0 {
		d.over = true
		d.changed.Broadcast()
		return
	}
	sp.run = run{head.From, head.From + int64(head.Count)}
	if sp.to <= head.Height {
		d.todo = []run{{sp.to, head.Height + 1}}
	}
	d.addSpan(sp)
}

// admit reports whether p may join as a worker: once in a download, while there are not too many.
func (d *download) admit(p peer.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.joined[p] || d.alive >= leadWorkers+maxHelpers {
		return false
	}
	d.joined[p] = true
	return true
}

// addSpan records that sp is asked for. The caller holds mu.
func (d *download) addSpan(sp *span) {
	sp.got, sp.asked = sp.from, time.Now()
	sp.alarm = time.AfterFunc(slowAfter, d.changed.Broadcast)
	d.spans[sp.from] = sp
	d.changed.Broadcast()
}

// nextSpan waits for the span that the inserter needs next. Nil without an error: the tip is reached.
func (d *download) nextSpan(ctx context.Context) (*span, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		switch sp := d.spans[d.next]; {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case d.planned && d.next > d.head.Height || d.over:
			return nil, nil
		case sp != nil:
			return sp, nil
		case d.alive == 0:
			return nil, ErrNoPeers
		}
		d.changed.Wait()
	}
}

// take returns a worker's next span and the context of its request, or nil if none is left or the download is
// over. The inserter's next span may always be taken, others only while fewer than maxAhead are asked for.
func (d *download) take(ctx context.Context, p peer.ID) (context.Context, *span) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for !d.over && (len(d.todo) > 0 || len(d.spans) > 0) {
		if len(d.todo) > 0 && (d.todo[0].from == d.next || len(d.spans) < maxAhead) {
			return d.takeRun(ctx, p)
		}
		d.reassignSlow(p)
		d.changed.Wait()
	}
	return ctx, nil
}

// takeRun takes a span from the front of todo. The caller holds mu.
func (d *download) takeRun(ctx context.Context, p peer.ID) (context.Context, *span) {
	first := &d.todo[0]
	r := run{first.from, min(first.to, first.from+d.s.spanBlocks)}
	if first.from = r.to; first.from == first.to {
		d.todo = d.todo[1:]
	}
	ctx, sp := newSpan(ctx, p)
	sp.run = r
	d.addSpan(sp)
	return ctx, sp
}

// reassignSlow takes the span that the inserter waits for away from another peer that is slow with it, for the
// idle p. The caller holds mu.
func (d *download) reassignSlow(p peer.ID) {
	if sp := d.spans[d.next]; sp != nil && sp.peer != p && time.Since(sp.asked) >= slowAfter {
		sp.drop(errSlow)
	}
}

// newSpan returns a span of p whose range is not known yet, and the context of its request.
func newSpan(ctx context.Context, p peer.ID) (context.Context, *span) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &span{peer: p, batches: make(chan *batch, maxBatches), drop: cancel}
}

// release ends sp: its unread part goes back to todo, and its batches are complete.
func (d *download) release(sp *span) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if sp.got < sp.to {
		d.todo = append(d.todo, run{sp.got, sp.to})
		slices.SortFunc(d.todo, func(a, b run) int { return int(a.from - b.from) })
	}
	sp.alarm.Stop()
	sp.drop(nil)
	close(sp.batches)
	d.changed.Broadcast()
}

// insert adds sp's blocks to the chain in order, as they arrive.
func (d *download) insert(ctx context.Context, sp *span) error {
	at := sp.from
	for b := range sp.batches {
		<-b.done
		err := d.joins(b, sp.peer)
		if err == nil {
			err = d.add(b, sp.peer)
		}
		if err == nil {
			err = b.err
		}
		if err != nil {
			return d.refused(sp, at, err)
		}
		at += int64(len(b.raws))
		d.logProgress(ctx, at-1)
	}
	if err := d.arrives(sp.peer); err != nil {
		return d.refused(sp, at-1, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.next = at; d.spans[sp.from] == sp {
		delete(d.spans, sp.from)
	}
	d.changed.Broadcast()
	return nil
}

// add adds a batch from p to the chain.
func (d *download) add(b *batch, p peer.ID) error {
	before := d.s.chain.Tip().Hash
	d.count(true, 0)
	n, err := d.s.chain.AddBlocks(b.blocks, p.String())
	d.count(false, b.bytes*n/len(b.raws))
	d.added += n
	if blocks := b.blocks.All(); err == nil && len(blocks) > 0 {
		d.last = pieceOf(blocks[len(blocks)-1], p)
	}
	if n > 0 && d.s.chain.Tip().Hash != before {
		d.s.noteNewTip(p)
	}
	return err
}

// count records for isUnproductive whether the inserter is in Chain.AddBlocks, and the bytes of new blocks.
func (d *download) count(adding bool, fresh int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.adding = adding
	d.fresh += fresh
}

// refused punishes or stalls the peer that is to blame for a block that the chain refused.
func (d *download) refused(sp *span, at int64, err error) error {
	switch {
	case errors.As(err, new(*borderError)):
		return err
	case stream.IsProvable(err):
		sp.drop(err)
		d.s.peers.Punish(sp.peer, err)
	case errors.Is(err, chain.ErrOrphan), errors.Is(err, consensus.ErrFuture):
		d.s.peers.Stall(d.lead, err.Error()) // the lead's claim led there; a helper only sent what it was asked for
	default:
		return &localError{fmt.Errorf("inserting blocks from %d: %w", at, err)}
	}
	return fmt.Errorf("blocks from %d, sent by %s: %w", at, sp.peer, err)
}

// logProgress logs the progress of a long download every logEvery.
func (d *download) logProgress(ctx context.Context, height int64) {
	if time.Since(d.logged) < logEvery {
		return
	}
	d.logged = time.Now()
	d.s.log.InfoContext(ctx, "syncing", "peer", d.lead, "height", height, "target", d.head.Height, "blocks", d.added)
}
