package peers

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

// Peer is a peer as the table knows it.
type Peer struct {
	ID        string // "" for a URL that leads to no peer
	Agent     string
	Address   string // a multiaddr with /p2p/; others can dial it, unless the peer is behind a NAT. The URL if ID is ""
	Direction string // "inbound" or "outbound", "" while not connected
	Connected bool
	State     string        // in words: "connected", "unreachable, next try in 12 s: connection refused", "other network", "Flask node", …
	Reason    string        // the part of State that says why the peer is not connected; "": it is, or was not dialled yet
	Static    bool          // asked for by Connect or Register
	Latency   time.Duration // 0: not measured yet
	LastError string        // why the last dial failed, or which other network the peer is of; "" while connected and before the first dial
	NextDial  time.Time     // time of the next dial; zero while connected, and if none is due
}

// List lists connected, static and remembered peers, the connected first.
func (t *Table) List() []Peer {
	var out []Peer
	listed := make(map[string]bool) // by peer id, or by the URL of a peer that has none yet
	for _, p := range t.h.Network().Peers() {
		if e, ok := t.connected(p); ok {
			e.Static = t.book.isStatic(p)
			t.markAvoided(&e)
			listed[e.ID] = true
			out = append(out, e)
		}
	}
	for _, e := range t.book.list() {
		name := cmp.Or(e.ID, e.Address)
		if !listed[name] {
			listed[name] = true
			t.markAvoided(&e)
			out = append(out, e)
		}
	}
	out = append(out, t.twins()...)
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

// twins lists the nodes with this node's identity that no request is for: the others are listed by their requests.
func (t *Table) twins() (out []Peer) {
	t.book.mu.Lock()
	asked := t.book.requested(t.h.ID())
	t.book.mu.Unlock()
	for _, s := range t.twin.list() {
		if !slices.ContainsFunc(asked, func(a ma.Multiaddr) bool { return hostOf(a) == hostOf(s.at) }) {
			p := Peer{Address: fullAddress(peer.AddrInfo{ID: t.h.ID(), Addrs: []ma.Multiaddr{s.at}}), LastError: errTwin.Error()}
			p.State, _ = stateOf(errTwin)
			p.Reason = p.State
			out = append(out, p)
		}
	}
	return out
}

// markAvoided sets e's state if the peer is avoided. One that is still connected will soon be disconnected.
func (t *Table) markAvoided(e *Peer) {
	p, err := peer.Decode(e.ID)
	if err != nil {
		return
	}
	why, until := t.whyAvoided(p)
	if theirs, _ := t.foreign(p); theirs != "" {
		e.LastError = foreignError(theirs).Error()
	}
	switch {
	case why == "":
	case e.Connected:
		e.State, e.Reason = why, why
	default:
		e.Reason, e.State, e.NextDial = why, stateText(why, "", time.Until(until)), until
	}
}

// connected describes a peer by its oldest connection. It returns false if the last one has just ended.
func (t *Table) connected(p peer.ID) (Peer, bool) {
	conns := t.h.Network().ConnsToPeer(p)
	if len(conns) == 0 {
		return Peer{}, false
	}
	e := Peer{
		ID: p.String(), Connected: true, State: "connected", Direction: direction(conns[0]),
		Address: fullAddress(peer.AddrInfo{ID: p, Addrs: []ma.Multiaddr{t.dialAddress(conns[0])}}),
		Latency: t.h.Peerstore().LatencyEWMA(p),
	}
	if agent, err := t.h.Peerstore().Get(p, "AgentVersion"); err == nil {
		e.Agent, _ = agent.(string)
	}
	return e, true
}

// dialAddress is where the peer of c can be dialled, as far as is known. A peer that dialled us did so from a
// port on which it does not listen: then it is the address that the peer announces on the same host, if there
// is one.
func (t *Table) dialAddress(c network.Conn) ma.Multiaddr {
	remote := c.RemoteMultiaddr()
	ip, err := manet.ToIP(remote)
	said := t.book.addresses(c.RemotePeer())
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

func direction(c network.Conn) string {
	if c.Stat().Direction == network.DirInbound {
		return "inbound"
	}
	return "outbound"
}

// ApplyCuts disconnects the peers that the lab cuts off now, and dials the others at once.
func (t *Table) ApplyCuts() {
	for _, p := range t.h.Network().Peers() {
		if t.isCut(p) {
			t.disconnects.now(p)
		}
	}
	t.book.resetRetries()
	signal(t.wake)
}

// Save writes peers.json.
func (t *Table) Save() error { return t.book.save() }
