package stream

import (
	"bufio"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/p2p/wire"
)

// How long the other side of a stream may take.
const (
	RequestWithin = 5 * time.Second        // from the opening to the end of the request
	writeWithin   = 10 * time.Second       // to take 64 KiB of an answer
	stopTime      = 200 * time.Millisecond // after streams were reset because this node stops, until the codes have arrived
)

// Handler answers one stream. The stream is closed if it returns nil and reset otherwise.
type Handler func(ctx context.Context, x *Exchange) error

// Exchange is a stream that a peer opened.
type Exchange struct {
	network.Stream
	Peer    peer.ID
	Version int // of the protocol
	R       *bufio.Reader
	W       *bufio.Writer // paced; the handler flushes it
	End     time.Time     // the stream's last moment
}

// Await gives the peer as much time for the next part of its request as it had for the first.
func (x *Exchange) Await() error {
	return x.SetReadDeadline(sooner(time.Now().Add(RequestWithin), x.End))
}

// Server answers the stream protocols.
type Server struct {
	Handlers map[string]Handler // by protocol name; fixed before Open

	peers    peers
	gate     *gate
	versions spoken

	streams sync.WaitGroup
	cut     atomic.Bool // streams were reset because the node stops
	mu      sync.Mutex
	closed  bool
}

// peers is what a server tells of its peers, and asks about them.
type peers interface {
	Punish(p peer.ID, err error)                           // p broke the protocol
	IsFaulty(p peer.ID) bool                               // it did, and is about to be disconnected: its streams are reset unread
	Refused(p peer.ID, protocol, what string, args ...any) // p was not answered, for the log
}

// NewServer returns a server without handlers.
func NewServer(peers peers) *Server {
	return &Server{Handlers: make(map[string]Handler), peers: peers, gate: newGate(), versions: versions}
}

// Handle makes h answer a protocol, within a limit. It is called before Open.
func (v *Server) Handle(name string, l Limit, h Handler) {
	v.Handlers[name] = h
	v.gate.set(name, l)
}

// Limit returns the limit of a protocol.
func (v *Server) Limit(name string) Limit { return v.gate.limit(name) }

// SetLimit changes the limit of a protocol. A rate that a peer has begun to use stays.
func (v *Server) SetLimit(name string, l Limit) { v.gate.set(name, l) }

// Hears reports whether one more message from p, of a kind that has a limit, is within its rate. Gossip asks.
func (v *Server) Hears(p peer.ID, kind string) bool { return v.gate.hears(p, kind) }

// Run answers until ctx ends, and returns when the last stream has ended.
func (v *Server) Run(ctx context.Context, h host.Host, net string) {
	v.Open(ctx, h, net)
	<-ctx.Done()
	v.Shut(h, net)
}

// Open registers the handlers.
func (v *Server) Open(ctx context.Context, h host.Host, net string) {
	for name := range v.Handlers {
		for _, id := range v.versions.ids(net, name) {
			h.SetStreamHandler(id, func(st network.Stream) { v.serve(ctx, name, st) })
		}
	}
}

// Shut removes the handlers and waits for the streams that are open. The context of Open has ended.
func (v *Server) Shut(h host.Host, net string) {
	for name := range v.Handlers {
		for _, id := range v.versions.ids(net, name) {
			h.RemoveStreamHandler(id)
		}
	}
	v.mu.Lock()
	v.closed = true
	v.mu.Unlock()
	v.streams.Wait()
	if v.cut.Load() {
		<-time.After(stopTime) // the host closes next, and would discard the codes
	}
}

// begin counts a stream in, unless the server is closed.
func (v *Server) begin() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return false
	}
	v.streams.Add(1)
	return true
}

// serve lets a stream in, answers it and ends it.
func (v *Server) serve(ctx context.Context, name string, st network.Stream) {
	if !v.begin() {
		v.turnAway(st, CodeShutdown)
		return
	}
	defer v.streams.Done()
	p := st.Conn().RemotePeer()
	if v.peers.IsFaulty(p) {
		v.turnAway(st, CodeViolation)
		return
	}
	visitor, code := v.gate.enter(p, name)
	if code != 0 {
		v.turnAway(st, code)
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = st.ResetWithError(CodeShutdown) })
	err := v.answer(ctx, name, p, visitor, st)
	v.gate.leave(visitor, name) // before the peer sees the end, so that its next stream finds room
	if !stop() {
		v.cut.Store(true)
		return
	}
	v.finish(st, p, err)
}

// answer sets the deadlines and runs the handler.
func (v *Server) answer(ctx context.Context, name string, p peer.ID, visitor *visitor, st network.Stream) error {
	end := time.Now().Add(v.gate.limit(name).Within)
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	if err := st.SetDeadline(end); err != nil {
		return err
	}
	x := &Exchange{Stream: st, Peer: p, Version: VersionOf(st.Protocol()), End: end, R: bufio.NewReaderSize(st, 4<<10)}
	if err := x.Await(); err != nil {
		return err
	}
	spend := func(n int) error { return v.gate.spend(ctx, visitor, n) }
	x.W = bufio.NewWriterSize(&pacedWriter{st: st, end: end, spend: spend}, wire.FrameBuffer)
	return v.Handlers[name](ctx, x)
}

// finish closes or resets a stream, and punishes a peer that broke the protocol.
func (v *Server) finish(st network.Stream, p peer.ID, err error) {
	if err == nil {
		_ = st.Close()
		return
	}
	if IsProvable(err) {
		v.peers.Punish(p, err) // first, so that whatever it sends after the code is not served
	}
	code := resetFor(st, err)
	v.peers.Refused(p, string(st.Protocol()), "request not answered", "error", err, "code", hexCode(code))
}

// turnAway resets a stream unread.
func (v *Server) turnAway(st network.Stream, code network.StreamErrorCode) {
	_ = st.ResetWithError(code)
	v.peers.Refused(st.Conn().RemotePeer(), string(st.Protocol()), "request turned away", "reason", turnedAwayFor[code], "code", hexCode(code))
}

// turnedAwayFor says what the codes of turnAway mean.
var turnedAwayFor = map[network.StreamErrorCode]string{
	CodeBusy:      "too many streams at once",
	CodeRate:      "too many requests a second",
	CodeViolation: "the peer is refused, and about to be disconnected",
	CodeShutdown:  "this node stops",
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
