package peers

import (
	"log/slog"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// Gater keeps refused peers out before they cost more than a handshake, dials within the address policy, and tells twin of
// handshakes with this node's own id.
type Gater struct {
	f    *faults
	twin *twin
}

// NewGater returns the gater of the node self, whose identity is in dir. cuts tells who is cut off on purpose; nil: nobody is.
func NewGater(self peer.ID, dir string, cuts func(peer.ID) bool, log *slog.Logger) *Gater {
	g := &Gater{newFaults(log), newTwin(self, dir, log)}
	if cuts != nil {
		g.f.cuts = cuts
	}
	return g
}

// Guards tells g of its host. Twins are looked for from then on: a host without this gater tells of no handshake.
func (g *Gater) Guards(h host.Host) { g.twin.h = h }

// InterceptPeerDial says no to dials of refused peers.
func (g *Gater) InterceptPeerDial(p peer.ID) bool {
	return g.lets(p, "dial of a refused peer given up")
}

// InterceptAddrDial says no to addresses that no node may dial, from whoever they were heard. The swarm asks after it has
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
	return g.lets(p, "connection of a refused peer closed")
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
