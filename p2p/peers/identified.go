package peers

import (
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// identifyWithin is how long a connection may last on which the peer has not said what it speaks.
const identifyWithin = 10 * time.Second

// anonymous are the connections on which the peer has not said yet what it speaks. Each is closed when its time is up: nothing would
// ever be asked over it, and its place is wanted. No other connection of the peer is touched: of several that one dial opens, the
// dialler closes all but one, and identification fails on those.
type anonymous struct {
	log     *slog.Logger
	expired func(peer.ID) // called for each connection that is closed

	mu     sync.Mutex
	timers map[network.Conn]*time.Timer // of all connections; nil for an identified one
	closed bool
}

// watch begins with the connections that h has. The caller hears of identified ones already; stop ends it.
func (a *anonymous) watch(h host.Host) (stop func()) {
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

// add gives c its time.
func (a *anonymous) add(c network.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.timers[c]; known || a.closed || c.IsClosed() {
		return
	}
	a.timers[c] = time.AfterFunc(identifyWithin, func() { a.expire(c) })
}

// identified lets c stay. It may be called before add.
func (a *anonymous) identified(c network.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !c.IsClosed() { // forget is called after the end of a connection
		a.stop(c)
		a.timers[c] = nil
	}
}

// forget is called when c is closed.
func (a *anonymous) forget(c network.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stop(c)
	delete(a.timers, c)
}

// stop stops c's timer; mu is held.
func (a *anonymous) stop(c network.Conn) {
	if t := a.timers[c]; t != nil {
		t.Stop()
	}
}

// expire closes c, unless it was identified at the last moment.
func (a *anonymous) expire(c network.Conn) {
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
