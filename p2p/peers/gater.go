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

// dialBacks is how many connections beyond its limit a node accepts, if they may be the dial-back of a peer
// that it asked for one.
const dialBacks = 2

// Gater is the connection gater. It closes connections with refused peers right after the handshake, with a code
// that says why, blocks dials against the address policy, and tells twin of handshakes with this node's own id.
type Gater struct {
	f            *faults
	twin         *twin
	capacity     atomic.Pointer[capacity] // nil: no limit
	dialBackFrom atomic.Pointer[peer.ID]  // the peer asked to dial this node back; nil: none
	log          *slog.Logger
}

// capacity is how many peers a host may have.
type capacity struct {
	h        host.Host
	max      int
	warnings *rate.Limiter // of lines in the log
}

// NewGater returns the gater of the node self, whose identity is in dir. cuts reports whether the lab cuts a
// peer off; nil: it cuts none.
func NewGater(self peer.ID, dir string, cuts func(peer.ID) bool, log *slog.Logger) *Gater {
	g := &Gater{f: newFaults(log), twin: newTwin(self, dir, log), log: log}
	if cuts != nil {
		g.f.isCut = cuts
	}
	return g
}

// Attach sets the host whose gater g is, and starts the detection of twins. When the host has most peers,
// others that dial it are refused after the handshake, except for static ones. No connection is closed for a
// newcomer: peers would only replace each other.
func (g *Gater) Attach(h host.Host, most int) {
	g.twin.h = h
	g.capacity.Store(&capacity{h, most, rate.NewLimiter(rate.Every(fullEvery), 1)})
}

// ExpectDialBack says that p was asked to dial this node back, or, with "", that this is over. The dial-back
// comes from an unknown peer id.
func (g *Gater) ExpectDialBack(p peer.ID) {
	if p == "" {
		g.dialBackFrom.Store(nil)
	} else {
		g.dialBackFrom.Store(&p)
	}
}

// isFull reports whether the host has no capacity for p, which dials from a.
func (g *Gater) isFull(p peer.ID, a ma.Multiaddr) bool {
	e := g.capacity.Load()
	if e == nil || len(e.h.Network().Peers()) < e.max || e.h.Network().Connectedness(p) == network.Connected || g.f.isProtected(p) {
		return false
	}
	if len(e.h.Network().Peers()) < e.max+dialBacks && g.dialsBack(e.h, a) {
		return false
	}
	if e.warnings.Allow() {
		g.log.Warn("peers refused: this node has as many as it takes", "peers", e.max)
	}
	g.f.refusals.write(p, "", "connection of a peer too many closed")
	return true
}

// dialsBack reports whether a connection from a may be the expected dial-back: it comes from the same host.
func (g *Gater) dialsBack(h host.Host, a ma.Multiaddr) bool {
	from, err := manet.ToIP(a)
	asked := g.dialBackFrom.Load()
	return err == nil && asked != nil && slices.ContainsFunc(h.Network().ConnsToPeer(*asked), func(c network.Conn) bool {
		ip, err := manet.ToIP(c.RemoteMultiaddr())
		return err == nil && ip.Equal(from)
	})
}

// InterceptPeerDial blocks dials of refused peers.
func (g *Gater) InterceptPeerDial(p peer.ID) bool {
	return g.allows(p, "dial of a refused peer given up")
}

// InterceptAddrDial blocks addresses that the address policy refuses, whatever their source. The swarm calls it
// after it has resolved names.
func (g *Gater) InterceptAddrDial(_ peer.ID, a ma.Multiaddr) bool { return checkAddress(a) == nil }

// InterceptAccept allows everything: the peer is not known yet.
func (g *Gater) InterceptAccept(network.ConnMultiaddrs) bool { return true }

// InterceptSecured blocks this node itself, now that the handshake has proved the id, peers that the lab cuts
// off, and outbound connections with refused peers. Inbound ones are closed when a code can be sent.
func (g *Gater) InterceptSecured(dir network.Direction, p peer.ID, c network.ConnMultiaddrs) bool {
	if p == g.twin.self {
		g.twin.secured(dir, c)
		return false
	}
	if dir == network.DirInbound {
		return !g.f.isCut(p)
	}
	return g.allows(p, "connection of a refused peer closed")
}

// allows reports whether p is not refused, and logs what otherwise.
func (g *Gater) allows(p peer.ID, what string) bool {
	if !g.f.IsRefused(p) {
		return true
	}
	if g.f.isCut(p) {
		return false
	}
	g.f.refusals.write(p, "", what)
	return false
}

// InterceptUpgraded closes inbound connections with refused peers, and with those beyond the capacity. A peer of
// another network is let in: its identification tells it the reason.
func (g *Gater) InterceptUpgraded(c network.Conn) (bool, control.DisconnectReason) {
	p := c.RemotePeer()
	switch {
	case c.Stat().Direction != network.DirInbound:
	case g.f.isBarred(p):
		g.f.refusals.write(p, "", "connection of a refused peer closed")
		return false, 0 // the swarm closes it with codeRefused
	case g.isFull(p, c.RemoteMultiaddr()):
		closeWith(c, codeFull)
		return false, 0
	}
	return true, 0
}
