package peers

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	ma "github.com/multiformats/go-multiaddr"
	"golang.org/x/time/rate"

	"kuai/p2p/stream"
)

// How peers are looked for.
const (
	seekEvery = time.Minute // while there are too few peers
	saveEvery = time.Minute
	eventRoom = 1024 // events that may wait
)

// Config is what a table is told. Every field but network may be zero.
type Config struct {
	Network  string // id
	Dir      string // where peers.json lives; "": nothing is remembered
	MDNS     bool   // look for neighbours
	DHT      bool   // look in the DHT
	Outbound int    // peers to look for
	Mute     int    // streams without a protocol that all peers together may have open

	// local returns the multiaddrs of other nodes on this machine. It is called again and again. Nil: none are looked for.
	Local func() []string
	// resolve asks the daemon at an http URL for its multiaddrs; its error may wrap ErrFlask. Nil: URLs are refused.
	ResolveURL func(ctx context.Context, url string) (addrs []string, err error)
}

// syncs is what the table tells of peers and asks about them: whoever exchanges statuses knows what peers said and brought.
type syncs interface {
	IsNew(p peer.ID) bool                 // p is to be greeted: once for each time that it connects
	Greet(ctx context.Context, p peer.ID) // asks p for its status and its pool
	Forget(p peer.ID)                     // p has no connection left
	HasSaid(p peer.ID) bool               // p has said its status
	LastBrought(p peer.ID) time.Time      // when p last brought a tip before all others; zero: never
}

// Table finds peers and remembers them. Its loop alone hears of connections, and begins and ends them.
type Table struct {
	*faults
	h       host.Host
	book    *book
	statics *statics
	ends    *disconnects
	s       syncs // set by run
	client  stream.Client
	log     *slog.Logger
	net     string // network id
	want    int    // outbound peers to look for
	mute    int
	mdns    bool // look for neighbours
	local   func() []string
	dht     bool          // look in the DHT
	seek    chan struct{} // size one: there may be somebody to dial or to disconnect
	twin    *twin
	silent  *anonymous
	surplus sync.Mutex // held while a connection too much is closed
}

// New returns an inert table of peers of h. g is h's connection gater, or another one if h has none.
func New(h host.Host, g *Gater, cfg Config, log *slog.Logger) *Table {
	b, err := openBook(cfg.Dir)
	if err != nil {
		log.Warn("starting without remembered peers", "error", err)
	}
	ends := newDisconnects(h)
	d := &Table{
		faults: g.f, h: h, book: b, ends: ends, log: log,
		statics: &statics{self: h.ID(), h: h, f: g.f, resolve: cfg.ResolveURL, twin: g.twin, log: log, wake: ends.wake},
		net:     cfg.Network, want: cfg.Outbound, mute: cfg.Mute, mdns: cfg.MDNS, local: cfg.Local, dht: cfg.DHT,
		seek: ends.wake, twin: g.twin,
		silent: &anonymous{log: log, expired: func(p peer.ID) { b.failed(p, errMute) }},
	}
	d.client = stream.Client{Host: h, Network: cfg.Network, Refused: d.Refused}
	return d
}

// Serve answers the peer exchange.
func (d *Table) Serve(v *stream.Server) {
	v.Handle(stream.Peers, stream.Limit{PerPeer: 1, Total: 64, Rate: rate.Every(exchangeEvery), Burst: 1, Within: exchangeTimeout}, d.servePeers)
}

// Run looks for peers, and does what is due for those that are there, until ctx ends. Whatever takes time has a goroutine of its own.
func (d *Table) Run(ctx context.Context, s syncs) error {
	d.s = s
	events, err := d.h.EventBus().Subscribe([]any{
		new(event.EvtPeerConnectednessChanged), new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerProtocolsUpdated),
		new(event.EvtLocalAddressesUpdated),
	}, eventbus.BufSize(eventRoom), eventbus.Name("kuai/discovery"))
	if err != nil {
		return err
	}
	defer events.Close()
	defer d.silent.watch(d.h)()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { d.twin.run(ctx) })
	wg.Go(func() { keepRoom(ctx, d.h, d.ends, d.mute, d.Punish) })
	wg.Go(func() { d.rotate(ctx) })
	wg.Go(func() { d.keepBook(ctx) })
	if d.mdns {
		wg.Go(func() { d.runMDNS(ctx) })
	}
	if d.local != nil {
		wg.Go(func() { d.runLocal(ctx) })
	}
	if d.dht {
		wg.Go(func() { d.runDHT(ctx) })
	}
	for _, p := range d.h.Network().Peers() { // they came before the subscription
		d.metBefore(ctx, &wg, p)
	}
	every := time.NewTicker(seekEvery)
	defer every.Stop()
	due := time.NewTimer(0)
	defer due.Stop()
	for {
		select {
		case e := <-events.Out():
			d.note(ctx, &wg, e)
		case <-d.seek:
		case <-due.C:
		case <-every.C:
			if d.outbound() < d.want {
				wg.Go(func() { d.askAround(ctx, d.h.Network().Peers()) })
			}
		case <-ctx.Done():
			return nil
		}
		if next := d.step(ctx, &wg); next.IsZero() {
			due.Stop()
		} else {
			due.Reset(time.Until(next))
		}
	}
}

// step disconnects and dials whom it is time for, and returns when to look again, zero if an event must come before.
func (d *Table) step(ctx context.Context, wg *sync.WaitGroup) time.Time {
	leaving, next := d.ends.due(time.Now())
	for _, p := range leaving {
		wg.Go(func() { _ = d.ends.now(p) })
	}
	return earliest(next, d.statics.step(ctx, wg, func() { signal(d.seek) }), d.fill(ctx, wg))
}

// metBefore takes a peer that said what it speaks before run began. Of the others an event will come.
func (d *Table) metBefore(ctx context.Context, wg *sync.WaitGroup, p peer.ID) {
	said, err := d.h.Peerstore().GetProtocols(p)
	conns := d.h.Network().ConnsToPeer(p)
	if err == nil && len(said) > 0 && len(conns) > 0 {
		agent, _ := d.h.Peerstore().Get(p, "AgentVersion")
		d.came(p, conns[0], d.h.Peerstore().Addrs(p), said, agent)
		d.meet(ctx, wg, p, said)
	}
}

// note acts on who came and went.
func (d *Table) note(ctx context.Context, wg *sync.WaitGroup, e any) {
	switch e := e.(type) {
	case event.EvtPeerConnectednessChanged:
		if e.Connectedness != network.Connected {
			d.s.Forget(e.Peer)
		}
		if d.h.Network().Connectedness(e.Peer) == network.NotConnected { // by now: a connection that ended may not have been the last
			d.went(e.Peer)
		}
	case event.EvtPeerIdentificationCompleted:
		d.silent.identified(e.Conn)
		if d.h.Network().Connectedness(e.Peer) != network.Connected {
			return
		}
		d.came(e.Peer, e.Conn, e.ListenAddrs, e.Protocols, e.AgentVersion)
		d.book.signs(e.Peer, e.SignedPeerRecord)
		d.meet(ctx, wg, e.Peer, e.Protocols)
		wg.Go(func() { d.askAround(ctx, []peer.ID{e.Peer}) })
	case event.EvtPeerProtocolsUpdated: // it was identified before it had started
		d.meet(ctx, wg, e.Peer, e.Added)
		if slices.Contains(e.Added, peersID(d.net)) {
			wg.Go(func() { d.askAround(ctx, []peer.ID{e.Peer}) })
		}
	case event.EvtLocalAddressesUpdated:
		d.book.hurryAll()
		d.statics.hurryAll()
	}
}

// meet greets a peer that speaks our protocols, and drops one that is refused, or speaks those of another network only.
func (d *Table) meet(ctx context.Context, wg *sync.WaitGroup, p peer.ID, speaks []protocol.ID) {
	if d.cuts(p) { // it came while it was being cut off
		d.ends.later(p, departure{at: time.Now()})
		return
	}
	if d.IsRefused(p) { // it came before it was refused, or past the connection gater
		d.Refused(p, "", "connection of a refused peer closed")
		d.ends.later(p, departure{at: time.Now().Add(foreignTime)})
		return
	}
	if slices.Contains(speaks, stream.ID(d.net, stream.Status)) {
		if d.s.IsNew(p) {
			wg.Go(func() { d.s.Greet(ctx, p) })
		}
	} else if theirs := foreignNetwork(speaks, d.net); theirs != "" {
		d.DropForeign(p, theirs, d.net)
	}
}

// came notes that p said over c what it speaks. One that speaks the protocols of another network only is not a peer.
func (d *Table) came(p peer.ID, c network.Conn, listens []ma.Multiaddr, speaks []protocol.ID, agent any) {
	if theirs := foreignNetwork(speaks, d.net); theirs != "" {
		return
	}
	news := d.book.came(p, provenFirst(listens, c.RemoteMultiaddr()))
	d.book.proved(p, c.RemoteMultiaddr())
	if news {
		d.log.Info("peer connected", "peer", p, "address", c.RemoteMultiaddr(), "direction", direction(c), "agent", agent)
	}
}

// went notes that p has no connection left.
func (d *Table) went(p peer.ID) {
	if d.book.went(p) {
		d.log.Info("peer disconnected", "peer", p)
	}
}

// Said notes that p said a status of this network.
func (d *Table) Said(p peer.ID) {
	d.forgive(p)
	d.book.said(p)
	d.statics.said(p)
}

// keepBook writes the book every minute and at the end.
func (d *Table) keepBook(ctx context.Context) {
	for {
		pause(ctx, saveEvery)
		if err := d.book.save(); err != nil {
			d.log.Error("peers are not remembered", "error", err)
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// outbound counts peers that this node dialled.
func (d *Table) outbound() int { return len(d.dialled()) }

// dialled lists peers that this node dialled.
func (d *Table) dialled() []peer.ID {
	return slices.DeleteFunc(d.h.Network().Peers(), func(p peer.ID) bool { return !d.client.HasDialled(p) })
}

// askAround asks peers for peers, one after the other, while there are too few.
func (d *Table) askAround(ctx context.Context, peers []peer.ID) {
	for _, p := range peers {
		if ctx.Err() != nil || d.outbound() >= d.want {
			return
		}
		d.learn(ctx, p)
	}
}

// learn asks p for peers, if that is one of its protocols.
func (d *Table) learn(ctx context.Context, p peer.ID) {
	if !d.client.Speaks(p, stream.Peers) {
		return
	}
	found, err := d.AskPeers(ctx, p)
	if err != nil {
		d.log.Debug("peer exchange failed", "peer", p, "error", err)
		return
	}
	for _, info := range found {
		d.Hear(info, false)
	}
}

// Hear notes where somebody says that a peer is. Where it is said that this node is, a node with the same identity may be.
func (d *Table) Hear(info peer.AddrInfo, near bool) {
	if info.ID == d.h.ID() {
		d.twin.hear(info.Addrs)
		return
	}
	d.book.heard(info, near)
	signal(d.seek)
}

// signal fills a channel of size one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
