package rpc

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// leastWait is how long a request may take to arrive though others want its slot. Without it, clients that come back as soon as they
// are closed would push everybody out before anything arrives.
const leastWait = 100 * time.Millisecond

// connLimiter bounds the open connections of all listeners. If all slots are taken, a new connection takes that of the connection that
// has waited for its request longest, for leastWait at the least: idle, or with its header or body unfinished. A connection that is
// being answered is never closed for another.
type connLimiter struct {
	slots  chan struct{}
	wanted atomic.Int32  // accepted connections without a slot
	waits  chan struct{} // size one: a connection began to wait while a slot was wanted
	began  time.Time

	mu   sync.Mutex
	open map[*limitedConn]struct{}
}

func newConnLimiter() *connLimiter {
	return &connLimiter{
		slots: make(chan struct{}, MaxConnections), waits: make(chan struct{}, 1), began: time.Now(),
		open: make(map[*limitedConn]struct{}),
	}
}

// now is the time in nanoseconds, never 0.
func (l *connLimiter) now() int64 { return 1 + int64(time.Since(l.began)) }

// admit gives conn a slot. It returns nil if stop comes first.
func (l *connLimiter) admit(conn net.Conn, stop <-chan struct{}) *limitedConn {
	if !l.acquire(stop) {
		return nil
	}
	p := &limitedConn{Conn: conn, limiter: l}
	p.startWaiting()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[p] = struct{}{}
	return p
}

// acquire takes a slot, at once if one is free. It reports false if stop comes first.
func (l *connLimiter) acquire(stop <-chan struct{}) bool {
	l.wanted.Add(1)
	defer l.wakeNext()
	for {
		select {
		case l.slots <- struct{}{}:
			return true
		default:
		}
		p, waited := l.longestWaiting()
		var soon <-chan time.Time
		switch {
		case p != nil && waited >= leastWait:
			_ = p.Close()
			continue
		case p != nil:
			soon = time.After(leastWait - waited)
		}
		select {
		case l.slots <- struct{}{}:
			return true
		case <-l.waits:
		case <-soon:
		case <-stop:
			return false
		}
	}
}

// wakeNext wakes another connection that wants a slot: its signal may have come here.
func (l *connLimiter) wakeNext() {
	if l.wanted.Add(-1) > 0 {
		l.signal()
	}
}

func (l *connLimiter) signal() {
	select {
	case l.waits <- struct{}{}:
	default:
	}
}

// longestWaiting returns the connection that has waited for its request longest, nil if none waits.
func (l *connLimiter) longestWaiting() (p *limitedConn, waited time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var since int64
	for o := range l.open {
		if at := o.since.Load(); at != 0 && (p == nil || at < since) {
			p, since = o, at
		}
	}
	return p, time.Duration(l.now() - since)
}

// release gives p's slot back.
func (l *connLimiter) release(p *limitedConn) {
	l.mu.Lock()
	_, here := l.open[p]
	delete(l.open, p)
	l.mu.Unlock()
	if here {
		<-l.slots
	}
}

// limitedListener accepts connections within a limiter. While all slots are those of requests that are being answered, one connection
// waits here and the next ones in the kernel's queue.
type limitedListener struct {
	net.Listener
	stop    <-chan struct{}
	limiter *connLimiter
}

// Accept waits for a connection, then for its slot.
func (l *limitedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if p := l.limiter.admit(conn, l.stop); p != nil {
		return p, nil
	}
	_ = conn.Close()
	return nil, l.refuse()
}

// refuse closes new connections until the server has closed the listener.
func (l *limitedListener) refuse() error {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return err
		}
		_ = conn.Close()
	}
}

// limitedConn is a connection that gives its slot back when it closes.
type limitedConn struct {
	net.Conn
	limiter *connLimiter
	since   atomic.Int64 // limiter.now when it began to wait for its request; 0: that is being answered
}

// startWaiting notes that the connection waits for its request, or the rest of it.
func (p *limitedConn) startWaiting() {
	p.since.Store(p.limiter.now())
	if p.limiter.wanted.Load() > 0 {
		p.limiter.signal()
	}
}

// Close closes the connection and gives its slot back.
func (p *limitedConn) Close() error {
	defer p.limiter.release(p)
	return p.Conn.Close()
}

// trackState is a server's ConnState: net/http calls a connection active once it has read a header.
func trackState(c net.Conn, state http.ConnState) {
	p, ok := c.(*limitedConn)
	switch {
	case ok && state == http.StateActive:
		p.since.Store(0)
	case ok && state == http.StateIdle:
		p.startWaiting()
	}
}

// connKey finds a request's *limitedConn in its context.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// arriving is a body that ends its connection's wait when it is here.
type arriving struct {
	io.ReadCloser
	conn *limitedConn
}

// watchBody makes r's connection wait for r's body, if it has one. A body that the handler does not read counts as missing.
func watchBody(r *http.Request) {
	if r.Body == http.NoBody {
		return
	}
	if p, ok := r.Context().Value(connKey{}).(*limitedConn); ok {
		p.startWaiting()
		r.Body = &arriving{r.Body, p}
	}
}

// Read reads the body. At its end the request is complete.
func (a *arriving) Read(b []byte) (int, error) {
	n, err := a.ReadCloser.Read(b)
	if err != nil {
		a.conn.since.Store(0)
	}
	return n, err
}
