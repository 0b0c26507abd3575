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
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	"golang.org/x/time/rate"

	"kuai/p2p/stream"
)

// How peers are looked for.
const (
	seekEvery   = time.Minute // while there are too few peers
	saveEvery   = time.Minute
	eventBuffer = 1024 // events that may wait
	memberTag   = 20   // more than the tags that pubsub gives for first deliveries, at most 15
)

// Config is the configuration of a table. Every field but Network may be zero.
type Config struct {
	Network      string // id
	Dir          string // where peers.json lives; "": nothing is remembered
	MDNS         bool   // by multicast DNS
	DHT          bool   // by the DHT
	Outbound     int    // outbound peers to look for
	MaxTransient int    // streams without a protocol that all peers together may have open

	// local returns the multiaddrs of other nodes on this machine. It is called again and again. Nil: none are
	// looked for.
	Local func() []string
	// AskURL asks what answers at an http URL. Its error wraps ErrFlask or ErrNoNode if something does that is
	// not a kuai node, and addrpolicy.ErrRefused if the address must not be asked. Nil: URLs are refused.
	AskURL func(ctx context.Context, url string) (Answer, error)
}

// syncs is the part of package chainsync that the table needs: it exchanges statuses with peers.
type syncs interface {
	IsNew(p peer.ID) bool                 // reports whether p is to be greeted: once for each time that it connects
	Greet(ctx context.Context, p peer.ID) // asks p for its status and its pool
	Forget(p peer.ID)                     // p has no connection left
	HasStatus(p peer.ID) bool             // reports whether p has sent its status
	LastNewTip(p peer.ID) time.Time       // when p was last the first to deliver a new tip; zero: never
}

// Table finds peers and remembers them. Only its loop handles events of connections, and starts and ends connections.
type Table struct {
	*faults
	h            host.Host
	swarm        *swarm.Swarm // of h; nil if its network is another one
	book         *book
	disconnects  *disconnects
	s            syncs // set by Run
	client       stream.Client
	log          *slog.Logger
	net          string // network id
	wantOutbound int    // outbound peers to look for
	maxTransient int
	mdns         bool // by multicast DNS
	askURL       func(ctx context.Context, url string) (Answer, error)
	local        func() []string
	dht          bool          // by the DHT
	wake         chan struct{} // size one: a dial or a disconnection may be due
	refresh      chan struct{} // size one: the peers of peers are wanted
	reported     *reportedPeers
	twin         *twin
	unidentified *unidentified
	closingExtra sync.Mutex // held while a surplus connection is closed
}

// New returns a table of the peers of h that does nothing before Run. g is h's connection gater, or another one
// if h has none.
func New(h host.Host, g *Gater, cfg Config, log *slog.Logger) *Table {
	b, err := openBook(cfg.Dir)
	if err != nil {
		log.Error("starting without what could not be read; the file is set aside", "error", err)
	}
	ends := newDisconnects(h)
	sw, _ := h.Network().(*swarm.Swarm)
	d := &Table{
		faults: g.f, h: h, swarm: sw, book: b, disconnects: ends, log: log,
		net: cfg.Network, wantOutbound: cfg.Outbound, maxTransient: cfg.MaxTransient, mdns: cfg.MDNS, local: cfg.Local, askURL: cfg.AskURL, dht: cfg.DHT,
		wake: ends.wake, twin: g.twin, refresh: make(chan struct{}, 1), reported: newReportedPeers(),
		unidentified: &unidentified{log: log, expired: func(p peer.ID) { b.dialFailed(p, errNoIdentify) }},
	}
	b.self, b.staticChanged = h.ID(), d.setStatic
	b.loadRegistrations()
	d.client = stream.Client{Host: h, Network: cfg.Network, Refused: d.Refused}
	return d
}

// Serve answers the peer exchange.
func (t *Table) Serve(v *stream.Server) {
	v.Handle(stream.Peers, stream.Limit{PerPeer: 1, Total: 64, Rate: rate.Every(exchangeEvery), Burst: 1, Within: exchangeTimeout}, t.servePeers)
}

// Run finds, dials and disconnects peers until ctx ends. Everything that may block has a goroutine of its own.
func (t *Table) Run(ctx context.Context, s syncs) error {
	t.s = s
	events, err := t.h.EventBus().Subscribe([]any{
		new(event.EvtPeerConnectednessChanged), new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerIdentificationFailed),
		new(event.EvtPeerProtocolsUpdated), new(event.EvtLocalAddressesUpdated),
	}, eventbus.BufSize(eventBuffer), eventbus.Name("kuai/discovery"))
	if err != nil {
		return err
	}
	defer events.Close()
	defer t.unidentified.watch(t.h)()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { t.twin.run(ctx) })
	wg.Go(func() { t.keepBook(ctx) })
	wg.Go(func() { t.runRefresh(ctx) })
	if t.mdns {
		wg.Go(func() { t.runMDNS(ctx) })
	}
	if t.local != nil {
		wg.Go(func() { t.runLocal(ctx) })
	}
	if t.dht {
		wg.Go(func() { t.runDHT(ctx) })
	}
	for _, p := range t.h.Network().Peers() { // connected before the subscription
		t.adoptConnected(ctx, &wg, p)
	}
	every := time.NewTicker(seekEvery)
	defer every.Stop()
	transient := time.NewTicker(transientEvery)
	defer transient.Stop()
	turn := time.NewTimer(nextRotation())
	defer turn.Stop()
	due := time.NewTimer(0)
	defer due.Stop()
	for {
		select {
		case e := <-events.Out():
			t.handleEvent(ctx, &wg, e)
		case <-t.wake:
		case <-due.C:
		case <-transient.C:
			if !t.limitTransient() {
				continue
			}
		case <-turn.C:
			wg.Go(func() { t.rotate(ctx) })
			turn.Reset(nextRotation())
		case <-every.C:
			if t.outbound() < t.wantOutbound {
				wg.Go(func() { t.askForPeers(ctx, t.h.Network().Peers()) })
			}
		case <-ctx.Done():
			return nil
		}
		if next := t.step(ctx, &wg); next.IsZero() {
			due.Stop()
		} else {
			due.Reset(time.Until(next))
		}
	}
}

// step starts the disconnections and dials that are due, and returns when to call it again, zero if only an
// event makes that necessary.
func (t *Table) step(ctx context.Context, wg *sync.WaitGroup) time.Time {
	leaving, next := t.disconnects.due(time.Now())
	for _, p := range leaving {
		wg.Go(func() { t.disconnects.close(p) })
	}
	return earliest(next, t.startDue(ctx, wg))
}

// adoptConnected handles a peer that was identified before Run began. For the others, an event will come.
func (t *Table) adoptConnected(ctx context.Context, wg *sync.WaitGroup, p peer.ID) {
	said, err := t.h.Peerstore().GetProtocols(p)
	conns := t.h.Network().ConnsToPeer(p)
	if err == nil && len(said) > 0 && len(conns) > 0 {
		agent, _ := t.h.Peerstore().Get(p, "AgentVersion")
		t.identified(p, conns[0], t.h.Peerstore().Addrs(p), said, agent)
		t.greet(ctx, wg, p, said)
	}
}

// handleEvent acts on an event of the host.
func (t *Table) handleEvent(ctx context.Context, wg *sync.WaitGroup, e any) {
	switch e := e.(type) {
	case event.EvtPeerConnectednessChanged:
		if e.Connectedness != network.Connected {
			t.s.Forget(e.Peer)
		}
		if t.h.Network().Connectedness(e.Peer) == network.NotConnected { // as of now: there may be another connection
			t.disconnected(e.Peer)
		}
	case event.EvtPeerIdentificationCompleted:
		t.unidentified.identified(e.Conn)
		if t.h.Network().Connectedness(e.Peer) != network.Connected {
			return
		}
		t.identified(e.Peer, e.Conn, e.ListenAddrs, e.Protocols, e.AgentVersion)
		t.book.setRecord(e.Peer, e.SignedPeerRecord)
		t.greet(ctx, wg, e.Peer, e.Protocols)
		wg.Go(func() { t.askForPeers(ctx, []peer.ID{e.Peer}) })
	case event.EvtPeerIdentificationFailed:
		if err := refusalOf(e.Reason); err != nil {
			t.book.turnedAway(e.Peer, err)
		}
	case event.EvtPeerProtocolsUpdated: // it was identified before it served our protocols
		t.greet(ctx, wg, e.Peer, e.Added)
		if stream.Lists(e.Added, t.net, stream.Peers) {
			wg.Go(func() { t.askForPeers(ctx, []peer.ID{e.Peer}) })
		}
	case event.EvtLocalAddressesUpdated:
		t.book.resetRetries()
	}
}

// greet greets a peer that speaks our protocols, and disconnects one that is refused or speaks only those of
// another network.
func (t *Table) greet(ctx context.Context, wg *sync.WaitGroup, p peer.ID, speaks []protocol.ID) {
	if t.isCut(p) { // it connected while it was being cut off
		t.disconnects.now(p)
		return
	}
	if t.isBarred(p) { // it connected before it was refused, or the host has no gater
		t.Refused(p, "", "connection of a refused peer closed")
		t.disconnects.schedule(p, scheduledClose{at: time.Now().Add(foreignDelay)})
		return
	}
	if stream.Lists(speaks, t.net, stream.Status) {
		if t.s.IsNew(p) {
			wg.Go(func() { t.s.Greet(ctx, p) })
		}
	} else if theirs := foreignNetwork(speaks, t.net); theirs != "" {
		t.DropForeign(p, theirs, t.net)
	}
}

// identified records that identification of p over c has completed. It ignores a peer that speaks only the
// protocols of another network, or that was refused or disconnected on request meanwhile.
func (t *Table) identified(p peer.ID, c network.Conn, listens []ma.Multiaddr, speaks []protocol.ID, agent any) {
	if theirs := foreignNetwork(speaks, t.net); theirs != "" || t.isBarred(p) {
		return
	}
	addrs := provenFirst(listens, c.RemoteMultiaddr())
	if len(addrs) == 0 && c.Stat().Direction == network.DirOutbound {
		addrs = []ma.Multiaddr{c.RemoteMultiaddr()} // one that has just started announces none yet, but was reached here
	}
	news := t.book.identified(p, addrs)
	t.book.setSubnet(p, c.RemoteMultiaddr())
	if t.isBarred(p) {
		t.book.forget(p)
		return
	}
	if news {
		t.log.Info("peer connected", "peer", p, "address", c.RemoteMultiaddr(), "direction", direction(c), "agent", agent)
	}
}

// disconnected records that p has no connection left.
func (t *Table) disconnected(p peer.ID) {
	t.reported.forget(p)
	was, unheard := t.book.disconnected(p)
	if was {
		t.log.Info("peer disconnected", "peer", p)
	}
	if !t.delayForeign(p) && unheard {
		t.logDialFailure(p, errNoStatus)
	}
}

// StatusReceived records that p sent a status of this network. If there are too many connections, those of
// peers without a status are closed first.
func (t *Table) StatusReceived(p peer.ID) {
	t.forgive(p)
	t.book.statusReceived(p)
	if t.isConnected(p) { // else the tag would stay until p's next connection ends
		t.h.ConnManager().TagPeer(p, "member", memberTag)
	}
}

// keepBook writes the book every minute, and when ctx ends.
func (t *Table) keepBook(ctx context.Context) {
	for {
		pause(ctx, saveEvery)
		if err := t.book.save(); err != nil {
			t.log.Error("peers are not remembered", "error", err)
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// outbound counts the connected peers that this node dialled.
func (t *Table) outbound() int { return len(t.dialled()) }

// dialled returns the connected peers that this node dialled.
func (t *Table) dialled() []peer.ID {
	return slices.DeleteFunc(t.h.Network().Peers(), func(p peer.ID) bool { return !t.client.HasDialled(p) })
}

// askForPeers asks peers for theirs, one after the other, while there are too few outbound peers.
func (t *Table) askForPeers(ctx context.Context, peers []peer.ID) {
	for _, p := range peers {
		if ctx.Err() != nil || t.outbound() >= t.wantOutbound {
			return
		}
		t.exchangePeers(ctx, p)
	}
}

// exchangePeers asks p for peers and adds them to the book, if p speaks the protocol.
func (t *Table) exchangePeers(ctx context.Context, p peer.ID) {
	if !t.client.Speaks(p, stream.Peers) {
		return
	}
	found, err := t.AskPeers(ctx, p)
	if err == nil || !stream.IsLater(err) {
		t.reported.note(p, found)
	}
	if err != nil {
		t.log.Debug("peer exchange failed", "peer", p, "error", err)
		return
	}
	for _, info := range found {
		t.AddHearsay(info, false)
	}
}

// AddHearsay adds addresses of a peer that somebody else told of. onLAN says that multicast DNS found it, or
// that it is on this machine. At addresses of this node's own id there may be a twin.
func (t *Table) AddHearsay(info peer.AddrInfo, onLAN bool) {
	if info.ID == t.h.ID() {
		t.twin.addHearsay(info.Addrs)
		return
	}
	t.book.addHearsay(info, onLAN)
	signal(t.wake)
}

// signal sends to a channel of size one, unless it is full.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
