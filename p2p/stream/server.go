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

// Time limits of the other side of a stream.
const (
	RequestWithin = 5 * time.Second        // from the opening to the end of the request
	writeWithin   = 10 * time.Second       // to take 64 KiB of an answer
	stopTime      = 200 * time.Millisecond // for the reset codes of a node that stops to arrive
)

// Handler answers one stream. The stream is closed if it returns nil, and reset otherwise.
type Handler func(ctx context.Context, x *Exchange) error

// Exchange is a stream that a peer opened.
type Exchange struct {
	network.Stream
	Peer    peer.ID
	Version int // of the protocol
	R       *bufio.Reader
	W       *bufio.Writer // paced; the handler flushes it
	End     time.Time     // deadline of the whole stream
}

// Await sets the deadline for the next part of the request: as much time as for the first part.
func (x *Exchange) Await() error {
	return x.SetReadDeadline(sooner(time.Now().Add(RequestWithin), x.End))
}

// Server serves the request protocols.
type Server struct {
	Handlers map[string]Handler // by protocol name; fixed before Open

	peers    peers
	quotas   *quotas
	versions versionTable

	streams  sync.WaitGroup
	wasReset atomic.Bool // streams were reset because this node stops
	mu       sync.Mutex
	closed   bool
}

// peers is the part of the table of peers that a server needs.
type peers interface {
	Punish(p peer.ID, err error)                           // p broke the protocol
	IsFaulty(p peer.ID) bool                               // p did, and is about to be disconnected: its streams are reset unread
	Refused(p peer.ID, protocol, what string, args ...any) // p was not answered, for the log
}

// NewServer returns a server without handlers.
func NewServer(peers peers) *Server {
	return &Server{Handlers: make(map[string]Handler), peers: peers, quotas: newQuotas(), versions: versions}
}

// Handle registers the handler and the limit of a protocol. It must be called before Open.
func (v *Server) Handle(name string, l Limit, h Handler) {
	v.Handlers[name] = h
	v.quotas.set(name, l)
}

// Limit returns the limit of a protocol.
func (v *Server) Limit(name string) Limit { return v.quotas.limit(name) }

// SetLimit changes the limit of a protocol. A rate that a peer has begun to use stays.
func (v *Server) SetLimit(name string, l Limit) { v.quotas.set(name, l) }

// AllowMessage reports whether one more message of a kind from p is within the limit of that kind. Gossip calls it.
func (v *Server) AllowMessage(p peer.ID, kind string) bool { return v.quotas.allow(p, kind) }

// Run serves until ctx ends, and returns when the last stream has ended.
func (v *Server) Run(ctx context.Context, h host.Host, net string) {
	v.Open(ctx, h, net)
	<-ctx.Done()
	v.Close(h, net)
}

// Open registers the handlers.
func (v *Server) Open(ctx context.Context, h host.Host, net string) {
	for name := range v.Handlers {
		for _, id := range v.versions.ids(net, name) {
			h.SetStreamHandler(id, func(st network.Stream) { v.serve(ctx, name, st) })
		}
	}
}

// Close removes the handlers and waits for the open streams. The context of Open must have ended.
func (v *Server) Close(h host.Host, net string) {
	for name := range v.Handlers {
		for _, id := range v.versions.ids(net, name) {
			h.RemoveStreamHandler(id)
		}
	}
	v.mu.Lock()
	v.closed = true
	v.mu.Unlock()
	v.streams.Wait()
	if v.wasReset.Load() {
		<-time.After(stopTime) // the host is closed next, which would discard the codes
	}
}

// begin counts a stream, unless the server is closed.
func (v *Server) begin() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return false
	}
	v.streams.Add(1)
	return true
}

// serve checks the quotas, answers a stream and ends it.
func (v *Server) serve(ctx context.Context, name string, st network.Stream) {
	if !v.begin() {
		v.refuse(st, CodeShutdown)
		return
	}
	defer v.streams.Done()
	p := st.Conn().RemotePeer()
	if v.peers.IsFaulty(p) {
		v.refuse(st, CodeViolation)
		return
	}
	u, code := v.quotas.acquire(p, name)
	if code != 0 {
		v.refuse(st, code)
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = st.ResetWithError(CodeShutdown) })
	err := v.answer(ctx, name, p, u, st)
	v.quotas.release(u, name) // before the peer sees the end, so that its next stream is not refused
	if !stop() {
		v.wasReset.Store(true)
		return
	}
	v.finish(st, p, err)
}

// answer sets the deadlines and runs the handler.
func (v *Server) answer(ctx context.Context, name string, p peer.ID, u *usage, st network.Stream) error {
	end := time.Now().Add(v.quotas.limit(name).Within)
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	if err := st.SetDeadline(end); err != nil {
		return err
	}
	x := &Exchange{Stream: st, Peer: p, Version: VersionOf(st.Protocol()), End: end, R: bufio.NewReaderSize(st, 4<<10)}
	if err := x.Await(); err != nil {
		return err
	}
	spend := func(n int) error { return v.quotas.waitBytes(ctx, u, n) }
	x.W = bufio.NewWriterSize(&pacedWriter{st: st, end: end, wait: spend}, wire.FrameBuffer)
	return v.Handlers[name](ctx, x)
}

// finish closes or resets a stream, and punishes a peer that broke the protocol.
func (v *Server) finish(st network.Stream, p peer.ID, err error) {
	if err == nil {
		_ = st.Close()
		return
	}
	if IsProvable(err) {
		v.peers.Punish(p, err) // first, so that nothing that it sends after the code is served
	}
	code := resetFor(st, err)
	v.peers.Refused(p, string(st.Protocol()), "request not answered", "error", err, "code", hexCode(code))
}

// refuse resets a stream without reading from it.
func (v *Server) refuse(st network.Stream, code network.StreamErrorCode) {
	_ = st.ResetWithError(code)
	v.peers.Refused(st.Conn().RemotePeer(), string(st.Protocol()), "request turned away", "reason", refusalReasons[code], "code", hexCode(code))
}

// refusalReasons has the meanings of the codes of refuse.
var refusalReasons = map[network.StreamErrorCode]string{
	CodeBusy:      "too many streams at once",
	CodeRate:      "too many requests a second",
	CodeViolation: "the peer is refused, and about to be disconnected",
	CodeShutdown:  "this node stops",
}

// pacedWriter writes to a stream in pieces, each within the byte rates and with its own deadline.
type pacedWriter struct {
	st   network.Stream
	end  time.Time         // deadline of the whole stream
	wait func(n int) error // waits until n more bytes may be sent
}

func (w *pacedWriter) Write(b []byte) (int, error) {
	written := 0
	for written < len(b) {
		piece := b[written:min(written+wire.FrameBuffer, len(b))]
		if err := w.wait(len(piece)); err != nil {
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
