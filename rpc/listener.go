package rpc

import (
	"net"
	"sync"
)

// limited accepts no connection while all places are taken: the kernel's queue holds who comes next.
type limited struct {
	net.Listener
	stop   <-chan struct{}
	places chan struct{}
}

// Accept waits for a place, then for a connection.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.stop:
		return nil, l.refuse()
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &placed{Conn: conn, leave: sync.OnceFunc(func() { <-l.places })}, nil
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
	leave func()
}

// Close closes the connection and gives its place back.
func (p *placed) Close() error {
	defer p.leave()
	return p.Conn.Close()
}
