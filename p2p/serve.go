package p2p

import (
	"bufio"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/p2p/wire"
)

// How long the other side of a stream may take.
const (
	requestWithin = 5 * time.Second  // from the opening to the end of the request
	writeWithin   = 10 * time.Second // to take 64 KiB of an answer
	closingTime   = 5 * time.Second  // a long answer ends with a whole block this long before the stream's last moment
)

// maxServed is the most blocks of one answer.
const maxServed = 1 << 16

// handler answers one stream. The stream is closed where it returns nil and reset otherwise.
type handler func(ctx context.Context, x *exchange) error

// exchange is a stream that a peer opened.
type exchange struct {
	network.Stream
	peer peer.ID
	r    *bufio.Reader
	w    *bufio.Writer // paced; the handler flushes it
	end  time.Time     // the stream's last moment
}

// server answers the stream protocols.
type server struct {
	chain    *chain.Chain
	gate     *gate
	handlers map[string]handler // by protocol name; tests put evil ones in
	punish   func(peer.ID, error)

	refusals    *refusalLog
	isDismissed func(peer.ID) bool // the peer broke the protocol and is about to be disconnected

	streams sync.WaitGroup
	cut     atomic.Bool // streams were reset because the node stops
	mu      sync.Mutex
	closed  bool
}

// open registers the handlers.
func (v *server) open(ctx context.Context, h host.Host, net string) {
	for name := range v.handlers {
		h.SetStreamHandler(protocolID(net, name), func(st network.Stream) { v.serve(ctx, name, st) })
	}
}

// shut removes the handlers and waits for the streams that are open. The context of open has ended.
func (v *server) shut(h host.Host, net string) {
	for name := range v.handlers {
		h.RemoveStreamHandler(protocolID(net, name))
	}
	v.mu.Lock()
	v.closed = true
	v.mu.Unlock()
	v.streams.Wait()
	if v.cut.Load() {
		pause(context.Background(), stopTime) // the host closes next, and would discard the codes
	}
}

// begin counts a stream in, unless the server is closed.
func (v *server) begin() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return false
	}
	v.streams.Add(1)
	return true
}

// serve lets a stream in, answers it and ends it.
func (v *server) serve(ctx context.Context, name string, st network.Stream) {
	if !v.begin() {
		v.turnAway(st, codeShutdown)
		return
	}
	defer v.streams.Done()
	p := st.Conn().RemotePeer()
	if v.isDismissed(p) {
		v.turnAway(st, codeViolation)
		return
	}
	visitor, code := v.gate.enter(p, name)
	if code != 0 {
		v.turnAway(st, code)
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = st.ResetWithError(codeShutdown) })
	err := v.answer(ctx, name, p, visitor, st)
	v.gate.leave(visitor, name) // before the peer sees the end, so that its next stream finds room
	if !stop() {
		v.cut.Store(true)
		return
	}
	v.finish(st, p, err)
}

// answer sets the deadlines and runs the handler.
func (v *server) answer(ctx context.Context, name string, p peer.ID, visitor *visitor, st network.Stream) error {
	end := time.Now().Add(v.gate.limits[name].within)
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	if err := st.SetDeadline(end); err != nil {
		return err
	}
	if err := st.SetReadDeadline(sooner(time.Now().Add(requestWithin), end)); err != nil {
		return err
	}
	x := &exchange{Stream: st, peer: p, end: end, r: bufio.NewReaderSize(st, 4<<10)}
	spend := func(n int) error { return v.gate.spend(ctx, visitor, n) }
	x.w = bufio.NewWriterSize(&pacedWriter{st: st, end: end, spend: spend}, wire.FrameBuffer)
	return v.handlers[name](ctx, x)
}

// finish closes or resets a stream, and punishes a peer that broke the protocol.
func (v *server) finish(st network.Stream, p peer.ID, err error) {
	if err == nil {
		_ = st.Close()
		return
	}
	if provable(err) {
		v.punish(p, err) // first, so that whatever it sends after the code is not served
	}
	code := resetFor(st, err)
	v.refusals.say(p, string(st.Protocol()), "request not answered", "error", err, "code", hexCode(code))
}

// turnAway resets a stream unread.
func (v *server) turnAway(st network.Stream, code network.StreamErrorCode) {
	_ = st.ResetWithError(code)
	v.refusals.say(st.Conn().RemotePeer(), string(st.Protocol()), "request turned away", "reason", turnedAwayFor[code], "code", hexCode(code))
}

// turnedAwayFor says what the codes of turnAway mean.
var turnedAwayFor = map[network.StreamErrorCode]string{
	codeBusy:      "too many streams at once",
	codeRate:      "too many requests a second",
	codeViolation: "the peer is refused, and about to be disconnected",
	codeShutdown:  "this node stops",
}

// pacedWriter writes to a stream in pieces, each within the byte rates and with a deadline of its own.
type pacedWriter struct {
	st    network.Stream
	end   time.Time         // the stream's last moment
	spend func(n int) error // waits until n more bytes may go
}

func (w *pacedWriter) Write(b []byte) (int, error) {
	written := 0
	for written < len(b) {
		piece := b[written:min(written+wire.FrameBuffer, len(b))]
		if err := w.spend(len(piece)); err != nil {
			return written, err
		}
		if err := w.st.SetWriteDeadline(sooner(time.Now().Add(writeWithin), w.end)); err != nil {
			return written, err
		}
		n, err := w.st.Write(piece)
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// sooner returns the earlier of two times.
func sooner(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// serveSync answers a chain request from a snapshot, so that a slow reader holds nothing up.
//
//	asker → wire.SyncRequest, then closes its side
//	      ← wire.SyncHead, then up to count frames with a canonical block each, then closes
func (v *server) serveSync(_ context.Context, x *exchange) error {
	payload, err := wire.ReadOne(x.r, wire.MaxSyncRequest)
	if err != nil {
		return err
	}
	req, err := wire.ParseSyncRequest(payload)
	if err != nil {
		return err
	}
	snap := v.chain.Snapshot()
	defer snap.Close()
	head := planAnswer(snap, req)
	if err := wire.WriteFrame(x.w, head.Append(nil)); err != nil {
		return err
	}
	if err := sendBlocks(x, snap, head, int(req.Bytes)); err != nil {
		return err
	}
	return x.w.Flush()
}

// planAnswer says what of a request this chain can answer.
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

// sendBlocks streams the blocks that head announces, up to the block that reaches most bytes or until the stream's time is
// nearly up.
func sendBlocks(x *exchange, snap *chain.Snapshot, head wire.SyncHead, most int) error {
	if head.Count == 0 {
		return nil
	}
	sent, last := 0, x.end.Add(-closingTime)
	for raw, err := range snap.Blocks(head.From, head.From+int64(head.Count)) {
		if err != nil {
			return err
		}
		if err := wire.WriteFrame(x.w, raw); err != nil {
			return err
		}
		if sent += len(raw); sent >= most {
			break
		}
		if x.w.Buffered() < len(raw) && time.Now().After(last) {
			break
		}
	}
	return nil
}
