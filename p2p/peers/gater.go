package peers

import (
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"golang.org/x/time/rate"
)

// fullEvery is how often the log says that peers are refused because there are enough.
const fullEvery = time.Minute

// dialBacks is how many connections a full node takes that may be the dial back of a peer that it asked for one.
const dialBacks = 2

// Gater keeps refused peers out before they cost more than a handshake, dials within the address policy, and tells twin of
// handshakes with this node's own id.
type Gater struct {
	f        *faults
	twin     *twin
	capacity atomic.Pointer[capacity] // nil: everybody may come
	asked    atomic.Pointer[peer.ID]  // to dial this node back; nil: nobody
	log      *slog.Logger
}

// capacity is how many peers a host has.
type capacity struct {
	h    host.Host
	most int
	said *rate.Limiter // lines about it
}

// NewGater returns the gater of the node self, whose identity is in dir. cuts tells who is cut off on purpose; nil: nobody is.
func NewGater(self peer.ID, dir string, cuts func(peer.ID) bool, log *slog.Logger) *Gater {
	g := &Gater{f: newFaults(log), twin: newTwin(self, dir, log), log: log}
	if cuts != nil {
		g.f.cuts = cuts
	}
	return g
}

// Guards tells g of its host. Twins are looked for from then on: a host without this gater tells of no handshake. A host that has most
// peers refuses others after the handshake, but for those that the operator asked for: to end another connection in their place would only make
// peers take turns.
func (g *Gater) Guards(h host.Host, most int) {
	g.twin.h = h
	g.capacity.Store(&capacity{h, most, rate.NewLimiter(rate.Every(fullEvery), 1)})
}

// Asked tells g that p is to dial this node back, or, by "", that this is over. The dial back comes from an identity that nobody knows.
func (g *Gater) Asked(p peer.ID) {
	if p == "" {
		g.asked.Store(nil)
	} else {
		g.asked.Store(&p)
	}
}

// isFull reports whether p, which comes from a, would be a peer too many.
func (g *Gater) isFull(p peer.ID, a ma.Multiaddr) bool {
	e := g.capacity.Load()
	if e == nil || len(e.h.Network().Peers()) < e.most || e.h.Network().Connectedness(p) == network.Connected || g.f.isProtected(p) {
		return false
	}
	if len(e.h.Network().Peers()) < e.most+dialBacks && g.dialsBack(e.h, a) {
		return false
	}
	if e.said.Allow() {
		g.log.Warn("peers refused: this node has as many as it takes", "peers", e.most)
	}
	g.f.refusals.say(p, "", "connection of a peer too many closed")
	return true
}

// dialsBack reports whether a connection from a may be the dial back that was asked for: it comes from the same host.
func (g *Gater) dialsBack(h host.Host, a ma.Multiaddr) bool {
	from, err := manet.ToIP(a)
	asked := g.asked.Load()
	return err == nil && asked != nil && slices.ContainsFunc(h.Network().ConnsToPeer(*asked), func(c network.Conn) bool {
		ip, err := manet.ToIP(c.RemoteMultiaddr())
		return err == nil && ip.Equal(from)
	})
}

// InterceptPeerDial says no to dials of refused peers.
func (g *Gater) InterceptPeerDial(p peer.ID) bool {
	return g.lets(p, "dial of a refused peer given up")
}

// InterceptAddrDial says no to addresses that no node may dial, no matter from whom they were heard. The swarm asks after it has
// resolved names.
func (g *Gater) InterceptAddrDial(_ peer.ID, a ma.Multiaddr) bool { return checkAddress(a) == nil }

// InterceptAccept has no opinion: the peer is not known yet.
func (g *Gater) InterceptAccept(network.ConnMultiaddrs) bool { return true }

// InterceptSecured says no to refused peers, now that they have proved who they are, and to this node itself.
func (g *Gater) InterceptSecured(dir network.Direction, p peer.ID, c network.ConnMultiaddrs) bool {
	if p == g.twin.self {
		g.twin.secured(dir, c)
		return false
	}
	return g.lets(p, "connection of a refused peer closed") && !(dir == network.DirInbound && g.isFull(p, c.RemoteMultiaddr()))
}

// lets reports whether p is not refused, and logs what becomes of a connection otherwise.
func (g *Gater) lets(p peer.ID, what string) bool {
	if !g.f.IsRefused(p) {
		return true
	}
	if g.f.cuts(p) {
		return false
	}
	g.f.refusals.say(p, "", what)
	return false
}

// InterceptUpgraded has no opinion.
func (g *Gater) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
