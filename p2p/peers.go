package p2p

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Peers lists connected, static and remembered peers, the connected first.
func (n *Node) Peers() []Peer {
	static := n.statics.infos()
	var out []Peer
	listed := make(map[string]bool) // by peer id, or by the URL of a peer that has none yet
	for _, p := range n.h.Network().Peers() {
		if e, ok := n.connected(p); ok {
			_, e.Static = static[p]
			n.leave(&e)
			listed[e.ID] = true
			out = append(out, e)
		}
	}
	for _, e := range append(n.statics.unreached(), n.book.list()...) {
		name := cmp.Or(e.ID, e.Address)
		if !listed[name] {
			listed[name] = true
			n.leave(&e)
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b Peer) int {
		if a.Connected != b.Connected {
			if a.Connected {
				return -1
			}
			return 1
		}
		return cmp.Or(strings.Compare(a.ID, b.ID), strings.Compare(a.Address, b.Address))
	})
	return out
}

// leave says in e that the peer is left alone, if it is. One that is still connected will soon be disconnected.
func (n *Node) leave(e *Peer) {
	p, err := peer.Decode(e.ID)
	if err != nil {
		return
	}
	why, until := n.f.leftAlone(p)
	if theirs, _ := n.f.foreign(p); theirs != "" {
		e.LastError = foreignError(theirs).Error()
	}
	switch {
	case why == "":
	case e.Connected:
		e.State = why
	default:
		e.State, e.NextDial = inWords(why, "", time.Until(until)), until
	}
}

// connected describes a peer by its oldest connection, false where the last one just ended.
func (n *Node) connected(p peer.ID) (Peer, bool) {
	conns := n.h.Network().ConnsToPeer(p)
	if len(conns) == 0 {
		return Peer{}, false
	}
	e := Peer{
		ID: p.String(), Connected: true, State: "connected", Direction: direction(conns[0]),
		Address: fullAddress(peer.AddrInfo{ID: p, Addrs: []ma.Multiaddr{n.whereabouts(conns[0])}}),
		Latency: n.h.Peerstore().LatencyEWMA(p), Score: n.g.score(p),
	}
	if agent, err := n.h.Peerstore().Get(p, "AgentVersion"); err == nil {
		e.Agent, _ = agent.(string)
	}
	if s, ok := n.s.claim(p); ok {
		e.Name, e.Height, e.Tip, e.ClockAhead = s.Name, s.Height, s.Tip, n.s.clockAhead(p)
	}
	return e, true
}

// whereabouts is where the peer behind c can be dialled, as far as is known. One that dialled us did so from a port where it does
// not listen: then it is the address on the same host that it says it listens on, where there is one.
func (n *Node) whereabouts(c network.Conn) ma.Multiaddr {
	remote := c.RemoteMultiaddr()
	ip, err := manet.ToIP(remote)
	said := n.book.addresses(c.RemotePeer())
	if err == nil && c.Stat().Direction == network.DirInbound && len(said) > 0 && onHost(said[0], ip) == 1 {
		return said[0]
	}
	return remote
}

// fullAddress is the first address with the peer's id.
func fullAddress(info peer.AddrInfo) string {
	if len(info.Addrs) == 0 {
		return "/p2p/" + info.ID.String()
	}
	return info.Addrs[0].String() + "/p2p/" + info.ID.String()
}
