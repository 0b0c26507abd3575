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

// leastWait is how long a request may take to arrive though others want its place. Without it, clients that come back as soon as they
// are closed would push everybody out before anything arrives.
const leastWait = 100 * time.Millisecond

// room bounds the open connections of all listeners. Where it is full, a new connection takes the place of the one that waits for
// its request longest, leastWait at the least: idle, or its header or body not here yet. One that is being answered is never closed for
// another.
type room struct {
	places chan struct{}
	wanted atomic.Int32  // accepted connections without a place
	waits  chan struct{} // size one: a connection began to wait while a place was wanted
	began  time.Time

	mu   sync.Mutex
	open map[*placed]struct{}
}

func newRoom() *room {
	return &room{
		places: make(chan struct{}, MaxConnections), waits: make(chan struct{}, 1), began: time.Now(),
		open: make(map[*placed]struct{}),
	}
}

// now is the time in nanoseconds, never 0.
func (r *room) now() int64 { return 1 + int64(time.Since(r.began)) }

// enter gives conn a place. It returns nil where stop comes first.
func (r *room) enter(conn net.Conn, stop <-chan struct{}) *placed {
	if !r.take(stop) {
		return nil
	}
	p := &placed{Conn: conn, room: r}
	p.await()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[p] = struct{}{}
	return p
}

// take takes a place, at once where there is one.
func (r *room) take(stop <-chan struct{}) bool {
	r.wanted.Add(1)
	defer r.passOn()
	for {
		select {
		case r.places <- struct{}{}:
			return true
		default:
		}
		p, waited := r.longest()
		var soon <-chan time.Time
		switch {
		case p != nil && waited >= leastWait:
			_ = p.Close()
			continue
		case p != nil:
			soon = time.After(leastWait - waited)
		}
		select {
		case r.places <- struct{}{}:
			return true
		case <-r.waits:
		case <-soon:
		case <-stop:
			return false
		}
	}
}

// passOn wakes whoever else wants a place: its signal may have come here.
func (r *room) passOn() {
	if r.wanted.Add(-1) > 0 {
		r.signal()
	}
}

func (r *room) signal() {
	select {
	case r.waits <- struct{}{}:
	default:
	}
}

// longest returns the connection that waits for its request longest, nil where none does.
func (r *room) longest() (p *placed, waited time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var since int64
	for o := range r.open {
		if at := o.since.Load(); at != 0 && (p == nil || at < since) {
			p, since = o, at
		}
	}
	return p, time.Duration(r.now() - since)
}

// leave gives p's place back.
func (r *room) leave(p *placed) {
	r.mu.Lock()
	_, here := r.open[p]
	delete(r.open, p)
	r.mu.Unlock()
	if here {
		<-r.places
	}
}

// limited accepts connections into a room. While that is full of requests that are being answered, one connection waits here and
// the kernel's queue holds who comes next.
type limited struct {
	net.Listener
	stop <-chan struct{}
	room *room
}

// Accept waits for a connection, then for its place.
func (l *limited) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if p := l.room.enter(conn, l.stop); p != nil {
		return p, nil
	}
	_ = conn.Close()
	return nil, l.refuse()
}

// refuse turns everybody away until the server has closed the listener.
func (l *limited) refuse() error {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return err
		}
		_ = conn.Close()
	}
}

// placed is a connection that gives its place back when it closes.
type placed struct {
	net.Conn
	room  *room
	since atomic.Int64 // room.now when it began to wait for its request; 0: that is being answered
}

// await notes that the connection waits for its request, or the rest of it.
func (p *placed) await() {
	p.since.Store(p.room.now())
	if p.room.wanted.Load() > 0 {
		p.room.signal()
	}
}

// Close closes the connection and gives its place back.
func (p *placed) Close() error {
	defer p.room.leave(p)
	return p.Conn.Close()
}

// trackState is a server's ConnState: net/http calls a connection active once it has read a header.
func trackState(c net.Conn, state http.ConnState) {
	p, ok := c.(*placed)
	switch {
	case ok && state == http.StateActive:
		p.since.Store(0)
	case ok && state == http.StateIdle:
		p.await()
	}
}

// connKey finds a request's *placed in its context.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// arriving is a body that ends its connection's wait when it is here.
type arriving struct {
	io.ReadCloser
	conn *placed
}

// watchBody makes r's connection wait for r's body, where it has one. One that the handler does not read is missing for good.
func watchBody(r *http.Request) {
	if p, ok := r.Context().Value(connKey{}).(*placed); ok && r.Body != http.NoBody {
		p.await()
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
