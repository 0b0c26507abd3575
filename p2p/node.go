package p2p

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"kuai/chain"
	"kuai/chain/consensus"
)

// Node is this daemon's face to the network.
type Node struct {
	h       host.Host
	f       *faults
	book    *book
	statics *statics
	d       *discovery
	g       *gossip
	s       *syncer
	twin    *twin
	running atomic.Pointer[context.Context] // Run's, once it has joined gossip
	log     *slog.Logger
}

// New builds the host and listens, so that real ports are known. It starts nothing else. A Node that is never run holds
// its ports until the process ends.
func New(cfg Config, c *chain.Chain, log *slog.Logger) (*Node, error) {
	f := newFaults(log)
	f.lab = cfg.Lab
	self, err := selfOf(cfg)
	if err != nil {
		return nil, err
	}
	t := newTwin(self, cfg.Dir, log)
	h, err := newHost(cfg, gater{f, t}, log)
	if err != nil {
		return nil, err
	}
	t.h = h
	n, err := newNode(h, cfg, f, t, c, log)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return n, nil
}

// NewOn is New on a given host, which Run closes.
func NewOn(h host.Host, cfg Config, c *chain.Chain, log *slog.Logger) (*Node, error) {
	f := newFaults(log)
	f.lab = cfg.Lab
	return newNode(h, cfg, f, newTwin(h.ID(), cfg.Dir, log), c, log)
}

func newNode(h host.Host, cfg Config, f *faults, t *twin, c *chain.Chain, log *slog.Logger) (*Node, error) {
	if err := CheckName(cfg.Name); err != nil {
		return nil, fmt.Errorf("name %q: %w", cfg.Name, err)
	}
	net := c.Rules().Network()
	m, err := newMetrics(cfg.Registerer, h, c)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	b, err := openBook(cfg.Dir)
	if err != nil {
		log.Warn("starting without remembered peers", "error", err)
	}
	n := &Node{h: h, f: f, book: b, twin: t, log: log}
	n.s = newSyncer(h, c, net, cfg.Agent, f, newDisconnects(h), log)
	n.s.name = cfg.Name
	n.s.onSync, n.s.onSwitch = m.synced, n.publishTip
	n.g = newGossip(h, c, n.s, f, m, log)
	n.d = newDiscovery(h, cfg, f, b, t, n.s, log)
	n.statics = n.d.statics
	n.s.onStatus = n.d.said
	n.s.server.Handlers[peersName] = n.d.servePeers
	for _, p := range cfg.Peers {
		if err := n.statics.add(p); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// Run blocks until everything that it started is gone, then closes the host.
func (n *Node) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	err := n.g.join(ctx)
	if ctx.Err() != nil {
		err = nil // stopped before it began
	} else if err == nil {
		n.running.Store(&ctx)
		g.Go(func() error { return n.twin.run(ctx) })
		g.Go(func() error { return n.g.run(ctx) })
		g.Go(func() error { return n.s.run(ctx) })
		g.Go(func() error { return n.d.run(ctx) })
		g.Go(func() error { return keepRoom(ctx, n.h, n.d.ends, n.s.punish) })
		err = g.Wait()
	}
	return errors.Join(err, n.h.Close(), n.book.save())
}

// publishTip sends a tip that a sync brought, once gossip is joined: HTTP may ask for a sync before.
func (n *Node) publishTip(tip *consensus.Block) {
	if ctx := n.running.Load(); ctx != nil {
		n.g.publishTip(*ctx, tip)
	}
}

// ID returns the peer id, which is the node's address.
func (n *Node) ID() string { return n.h.ID().String() }

// Addresses returns the multiaddrs that others can dial, each with /p2p/<id>.
func (n *Node) Addresses() []string {
	addrs, err := peer.AddrInfoToP2pAddrs(host.InfoFromHost(n.h))
	if err != nil {
		return nil // the id is always well formed
	}
	out := make([]string, len(addrs))
	for i, a := range addrs {
		out[i] = a.String()
	}
	return out
}

// Connect takes a multiaddr with /p2p/ or a daemon's http URL and keeps a connection to that peer from now on: failures are
// tried again for ever, in the background. This node's own address and one that is kept already are fine. The error says
// what is wrong with the form.
func (n *Node) Connect(addr string) error { return n.statics.add(addr) }

// Disconnect closes the connections with a peer and forgets it. It takes a peer id: then the peer, which may dial this node, is kept away for
// ten minutes, or until it is given to Connect. Or it takes a URL that Connect was given; then a peer to which something else leads that
// Connect was given stays connected. The error wraps chain.ErrNotFound if there is no such peer.
func (n *Node) Disconnect(name string) error {
	if isURL(name) {
		return n.disconnectURL(name)
	}
	p, err := peer.Decode(name)
	if err != nil {
		return fmt.Errorf("%q is not a peer id: %w", name, err)
	}
	kept, remembered := n.statics.remove(func(s *static) bool { return s.info.ID == p }), n.book.forget(p)
	n.f.part(p) // also one that was disconnected a moment ago by its URL
	if len(kept) == 0 && !remembered && n.h.Network().Connectedness(p) != network.Connected {
		return fmt.Errorf("peer %s: %w", name, chain.ErrNotFound)
	}
	return n.d.ends.now(p)
}

func (n *Node) disconnectURL(rawURL string) error {
	u, err := parseURL(rawURL)
	if err != nil {
		return err
	}
	gone := n.statics.remove(func(s *static) bool { return s.url == u })
	if len(gone) == 0 {
		return fmt.Errorf("peer %s: %w", u, chain.ErrNotFound)
	}
	p := gone[0]
	if _, kept := n.statics.infos()[p]; kept || p == "" || p == n.h.ID() {
		return nil
	}
	n.book.forget(p)
	return n.d.ends.now(p)
}

// SyncNow asks every connected peer and adopts what is longer. It returns when that is done or ctx ends; a bad peer never
// makes it fail.
func (n *Node) SyncNow(ctx context.Context) error { return n.s.now(ctx) }

// SyncStatus says what the sync is doing.
func (n *Node) SyncStatus() SyncStatus { return n.s.progress() }
