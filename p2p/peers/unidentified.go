package peers

import (
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// identifyWithin is how long identification of a connection may take.
const identifyWithin = 10 * time.Second

// unidentified are the connections whose identification has not completed. Each is closed after identifyWithin,
// as nothing is ever asked over it. The peer's other connections stay: one dial may open several, of which the
// dialler closes all but one, and identification fails on those.
type unidentified struct {
	log     *slog.Logger
	expired func(peer.ID) // called for each connection that is closed

	mu     sync.Mutex
	timers map[network.Conn]*time.Timer // of all connections; nil for an identified one
	closed bool
}

// watch starts with the connections that h has. The caller already receives the events of identification; stop ends it.
func (a *unidentified) watch(h host.Host) (stop func()) {
	a.timers = make(map[network.Conn]*time.Timer)
	bundle := &network.NotifyBundle{
		ConnectedF:    func(_ network.Network, c network.Conn) { a.add(c) },
		DisconnectedF: func(_ network.Network, c network.Conn) { a.forget(c) },
	}
	h.Network().Notify(bundle)
	for _, c := range h.Network().Conns() {
		if said, err := h.Peerstore().GetProtocols(c.RemotePeer()); err != nil || len(said) == 0 {
			a.add(c)
		}
	}
	return func() {
		h.Network().StopNotify(bundle)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.closed = true
		for c := range a.timers {
			a.stop(c)
		}
	}
}

// add starts c's timer.
func (a *unidentified) add(c network.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.timers[c]; known || a.closed || c.IsClosed() {
		return
	}
	a.timers[c] = time.AfterFunc(identifyWithin, func() { a.expire(c) })
}

// identified stops c's timer. It may be called before add.
func (a *unidentified) identified(c network.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !c.IsClosed() { // forget is called after the end of a connection
		a.stop(c)
		a.timers[c] = nil
	}
}

// forget is called when c is closed.
func (a *unidentified) forget(c network.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stop(c)
	delete(a.timers, c)
}

// stop stops c's timer; mu is held.
func (a *unidentified) stop(c network.Conn) {
	if t := a.timers[c]; t != nil {
		t.Stop()
	}
}

// expire closes c, unless it was identified just before.
func (a *unidentified) expire(c network.Conn) {
	a.mu.Lock()
	late := a.timers[c] != nil && !a.closed
	a.mu.Unlock()
	if !late {
		return
	}
	a.log.Debug("peer does not say what it speaks, closing that connection", "peer", c.RemotePeer(), "address", c.RemoteMultiaddr())
	a.expired(c.RemotePeer())
	_ = c.Close()
}
