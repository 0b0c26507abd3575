package p2p

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/p2p/chainsync"
	"kuai/p2p/gossip"
	"kuai/p2p/peers"
	"kuai/p2p/reach"
	"kuai/p2p/stream"
)

// Node is the peer-to-peer side of a daemon.
type Node struct {
	h       host.Host
	table   *peers.Table
	net     string // network id
	server  *stream.Server
	sync    *chainsync.Syncer
	gossip  *gossip.Gossip
	metrics *metrics
	lab     *Lab
	client  stream.Client                   // for the requests of this package
	reach   *reach.Tracker                  // nil without Config.NAT
	running atomic.Pointer[context.Context] // Run's, once it has joined gossip
	log     *slog.Logger
}

// New builds the host and listens, so that the ports are known. It starts nothing else. A Node that is never
// run keeps its ports until the process ends.
func New(cfg Config, c *chain.Chain, log *slog.Logger) (*Node, error) {
	self, err := selfOf(cfg)
	if err != nil {
		return nil, err
	}
	g := peers.NewGater(self, cfg.Dir, cfg.Lab.isCut, log)
	h, err := newHost(cfg, g, log)
	if err != nil {
		return nil, err
	}
	g.Attach(h, cmp.Or(cfg.mostPeers, maxPeers))
	n, err := newNode(h, g, cfg, c, log)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return n, nil
}

// NewOn is New with an existing host, which Run closes.
func NewOn(h host.Host, cfg Config, c *chain.Chain, log *slog.Logger) (*Node, error) {
	return newNode(h, peers.NewGater(h.ID(), cfg.Dir, cfg.Lab.isCut, log), cfg, c, log)
}

func newNode(h host.Host, g *peers.Gater, cfg Config, c *chain.Chain, log *slog.Logger) (*Node, error) {
	if err := CheckName(cfg.Name); err != nil {
		return nil, fmt.Errorf("name %q: %w", cfg.Name, err)
	}
	m, err := newMetrics(cfg.Registerer, h, c)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	net := c.Rules().Network()
	n := &Node{h: h, net: net, metrics: m, lab: cfg.Lab, log: log}
	n.table = peers.New(h, g, cfg.table(net), log)
	n.server = stream.NewServer(n.table)
	n.table.Serve(n.server)
	n.client = stream.Client{Host: h, Network: net, Refused: n.table.Refused}
	n.sync = chainsync.New(c, chainsync.Config{Agent: cfg.Agent, Name: cfg.Name, Synced: m.synced, Switched: n.publishTip, Pulled: n.publishPayment}, n.table, n.client, n.server, log)
	n.followTeacher(cfg.Teacher)
	n.gossip = gossip.New(gossip.Parts{
		Host: h, Chain: c, Server: n.server, Syncer: n.sync, Table: n.table, Counter: m, Lab: cfg.Lab,
		Log: log, Library: slog.New(libraryLog{log.Handler()}),
	})
	n.reach = newReach(h, g, cfg, n.sync.HasStatus, log)
	for _, p := range cfg.Peers {
		if err := n.table.Connect(p); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// table returns the configuration of the table of peers.
func (cfg Config) table(network string) peers.Config {
	out := peers.Config{
		Network: network, Dir: cfg.Dir, MDNS: cfg.MDNS, DHT: cfg.DHT, Outbound: peers.WantOutbound, MaxTransient: maxPending / 2,
		Local: cfg.Local, AskURL: cfg.AskURL,
	}
	if cfg.dialsNobody {
		out.Outbound = 0
	}
	return out
}

// Run runs the node until ctx ends. It returns when everything that it started has ended and the host is closed.
func (n *Node) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	err := n.gossip.Join(ctx)
	if ctx.Err() != nil {
		err = nil // stopped before it began
	} else if err == nil {
		n.running.Store(&ctx)
		g.Go(func() error { n.server.Run(ctx, n.h, n.net); return nil })
		g.Go(func() error { return n.gossip.Run(ctx) })
		g.Go(func() error { return n.sync.Run(ctx) })
		g.Go(func() error { return n.table.Run(ctx, n.sync) })
		g.Go(func() error { n.endSplits(ctx); return nil })
		if n.reach != nil {
			g.Go(func() error { return n.reach.Run(ctx) })
		}
		err = g.Wait()
	}
	return errors.Join(err, n.h.Close(), n.table.Save())
}

// publishTip sends a tip that a sync brought, once gossip is joined: HTTP may ask for a sync before.
func (n *Node) publishTip(tip *consensus.Block) {
	if ctx := n.running.Load(); ctx != nil {
		n.gossip.PublishTip(*ctx, tip)
	}
}

// publishPayment sends a payment that a pool exchange brought.
func (n *Node) publishPayment(p consensus.Payment) {
	if ctx := n.running.Load(); ctx != nil {
		n.gossip.PublishPayment(*ctx, p)
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

// LocalAddresses returns the multiaddrs at which other nodes on this machine reach this one, each with
// /p2p/<id>: they need no network interface, and Config.Announce does not change them.
func (n *Node) LocalAddresses() []string { return n.table.LocalAddresses() }

// Connect takes an address (a multiaddr with /p2p/, an http URL or host:port) and keeps a connection to the
// peer there from now on: failures are tried again indefinitely, in the background. This node's own address and
// one that is kept already are valid. It returns an error if addr is malformed.
func (n *Node) Connect(addr string) error { return n.table.Connect(addr) }

// Register asks the URLs in list what they are and keeps connections to all nodes, as Connect does; they are
// saved to disk. If it returns an error, nothing was registered: a *RefusedError, ErrTooMany, or an error of
// the disk.
func (n *Node) Register(ctx context.Context, list []string) error { return n.table.Register(ctx, list) }

// Registered lists the registered addresses, sorted.
func (n *Node) Registered() []Registered { return n.table.Registered() }

// AskRegistered asks all registered URLs now, all at once, and calls each with every result as it arrives.
func (n *Node) AskRegistered(ctx context.Context, each func(Registered)) {
	n.table.AskRegistered(ctx, each)
}

// Disconnect removes every address that name matches, then disconnects their peers, unless another address is
// for them, and refuses these peers for ten minutes, or until Connect or Register names them. name is an
// address as Connect takes it, or a peer id. The error wraps chain.ErrNotFound if nothing matches, or is an
// error of the disk: then nothing has changed.
func (n *Node) Disconnect(name string) error { return n.table.Disconnect(name) }

// SyncNow exchanges statuses with every connected peer and syncs from those that claim more work. It returns
// when done or when ctx ends; a bad peer does not make it fail.
func (n *Node) SyncNow(ctx context.Context) error { return n.sync.Now(ctx) }

// SyncStatus returns what the sync is doing.
func (n *Node) SyncStatus() SyncStatus { return n.sync.Progress() }
