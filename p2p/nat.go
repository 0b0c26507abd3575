package p2p

import (
	"log/slog"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"

	"kuai/p2p/peers"
	"kuai/p2p/portmap"
	"kuai/p2p/reach"
)

// Reach reports whether this node can be dialled from outside its local network.
type Reach struct {
	Asked   bool      // Config.NAT; if false, nothing else is known
	Public  bool      // it has a public address: its own, announced, or mapped at its router
	Known   bool      // a peer has tried; the rest is its result
	Reached bool      // at Address
	Address string    // a multiaddr with /p2p/
	Witness string    // the peer that tried
	Name    string    // that this peer gives itself, "" for none: not proved
	At      time.Time // when it tried
}

// mapPort returns the NATManager that maps the listen ports at the router, nil if cfg does not ask for it.
func mapPort(cfg Config, log *slog.Logger) func(network.Network) basichost.NATManager {
	if !cfg.NAT || cfg.mapsNoPort {
		return nil
	}
	return func(n network.Network) basichost.NATManager { return portmap.New(n, log) }
}

// newReach returns the tracker that finds out whether h can be dialled, nil if cfg does not ask for it.
func newReach(h host.Host, g *peers.Gater, cfg Config, ours func(peer.ID) bool, log *slog.Logger) *reach.Tracker {
	if !cfg.NAT {
		return nil
	}
	return reach.New(reach.Config{Host: h, Dialer: func() (host.Host, error) { return newDialer(cfg, g) }, Ours: ours, Asked: g.ExpectDialBack, Private: cfg.natPrivate, Log: log})
}

// newDialer returns a host that dials back for peers, with the transports and the swarm key of cfg. It has an
// identity of its own and does not serve identify, so that nodes do not take it for a peer.
func newDialer(cfg Config, g *peers.Gater) (host.Host, error) {
	key, err := EphemeralIdentity()
	if err != nil {
		return nil, err
	}
	cfg = Config{Identity: key, SwarmKey: cfg.SwarmKey, QUIC: cfg.QUIC, Listen: cfg.Listen}
	h, err := buildHost(cfg, g, &network.NullResourceManager{}, &basichost.HostOpts{}) // AutoNATv2 bounds its dials
	if err != nil {
		return nil, err
	}
	h.RemoveStreamHandler(identify.ID)
	h.RemoveStreamHandler(identify.IDPush)
	return h, nil
}

// Reach reports whether this node can be dialled from outside its local network, according to the last peer that tried.
func (n *Node) Reach() Reach {
	if n.reach == nil {
		return Reach{}
	}
	r := Reach{Asked: true, Public: n.reach.Public()}
	if all := n.reach.Verdicts(); len(all) > 0 {
		v := all[0]
		r.Known, r.Reached, r.Address = true, v.Reached, v.Address.String()+"/p2p/"+n.ID()
		said, _ := n.sync.Claim(v.Witness)
		r.Witness, r.Name, r.At = v.Witness.String(), said.Name, v.At
	}
	return r
}
