package p2p

import (
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// gater keeps refused peers out before they cost more than a handshake, and dials within the address policy.
type gater struct{ f *faults }

// InterceptPeerDial says no to dials of refused peers.
func (g gater) InterceptPeerDial(p peer.ID) bool { return !g.f.refused(p) }

// InterceptAddrDial says no to addresses that no node may dial, from whoever they were heard. The swarm asks after it has
// resolved names.
func (g gater) InterceptAddrDial(_ peer.ID, a ma.Multiaddr) bool { return checkAddress(a) == nil }

// InterceptAccept has no opinion: the peer is not known yet.
func (g gater) InterceptAccept(network.ConnMultiaddrs) bool { return true }

// InterceptSecured says no to refused peers, now that they have proved who they are.
func (g gater) InterceptSecured(_ network.Direction, p peer.ID, _ network.ConnMultiaddrs) bool {
	return !g.f.refused(p)
}

// InterceptUpgraded has no opinion.
func (g gater) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
