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
	memberTag = 20   // worth more than the messages that a peer was first to bring: pubsub gives 15 for those at most
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
	// AskURL asks what answers at an http URL. Its error wraps ErrFlask or ErrNoNode if something does that is not a kuai node, and
	// addrpolicy.ErrRefused if the address must not be asked. Nil: URLs are refused.
	AskURL func(ctx context.Context, url string) (Answer, error)
}

// syncs is what the table tells of peers and asks about them: the package that exchanges statuses knows what peers said and brought.
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
	ends    *disconnects
	s       syncs // set by run
	client  stream.Client
	log     *slog.Logger
	net     string // network id
	want    int    // outbound peers to look for
	mute    int
	mdns    bool // look for neighbours
	askURL  func(ctx context.Context, url string) (Answer, error)
	local   func() []string
	dht     bool          // look in the DHT
	seek    chan struct{} // size one: there may be somebody to dial or to disconnect
	look    chan struct{} // size one: somebody wants to see the peers of peers
	theirs  *theirs
	twin    *twin
	silent  *anonymous
	surplus sync.Mutex // held while a connection too much is closed
}

// New returns an inert table of peers of h. g is h's connection gater, or another one if h has none.
func New(h host.Host, g *Gater, cfg Config, log *slog.Logger) *Table {
	b, err := openBook(cfg.Dir)
	if err != nil {
		log.Error("starting without what could not be read; the file is set aside", "error", err)
	}
	ends := newDisconnects(h)
	d := &Table{
		faults: g.f, h: h, book: b, ends: ends, log: log,
		net: cfg.Network, want: cfg.Outbound, mute: cfg.Mute, mdns: cfg.MDNS, local: cfg.Local, askURL: cfg.AskURL, dht: cfg.DHT,
		seek: ends.wake, twin: g.twin, look: make(chan struct{}, 1), theirs: newTheirs(),
		silent: &anonymous{log: log, expired: func(p peer.ID) { b.failed(p, errMute) }},
	}
	b.self, b.kept = h.ID(), d.keeps
	b.recallAll()
	d.client = stream.Client{Host: h, Network: cfg.Network, Refused: d.Refused}
	return d
}

// Serve answers the peer exchange.
func (t *Table) Serve(v *stream.Server) {
	v.Handle(stream.Peers, stream.Limit{PerPeer: 1, Total: 64, Rate: rate.Every(exchangeEvery), Burst: 1, Within: exchangeTimeout}, t.servePeers)
}

// Run looks for peers, and does what is due for those that are there, until ctx ends. Whatever takes time has a goroutine of its own.
func (t *Table) Run(ctx context.Context, s syncs) error {
	t.s = s
	events, err := t.h.EventBus().Subscribe([]any{
		new(event.EvtPeerConnectednessChanged), new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerProtocolsUpdated),
		new(event.EvtLocalAddressesUpdated),
	}, eventbus.BufSize(eventRoom), eventbus.Name("kuai/discovery"))
	if err != nil {
		return err
	}
	defer events.Close()
	defer t.silent.watch(t.h)()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { t.twin.run(ctx) })
	wg.Go(func() { t.keepBook(ctx) })
	wg.Go(func() { t.runTheirs(ctx) })
	if t.mdns {
		wg.Go(func() { t.runMDNS(ctx) })
	}
	if t.local != nil {
		wg.Go(func() { t.runLocal(ctx) })
	}
	if t.dht {
		wg.Go(func() { t.runDHT(ctx) })
	}
	for _, p := range t.h.Network().Peers() { // they came before the subscription
		t.metBefore(ctx, &wg, p)
	}
	every := time.NewTicker(seekEvery)
	defer every.Stop()
	room := time.NewTicker(roomEvery)
	defer room.Stop()
	turn := time.NewTimer(untilTurn())
	defer turn.Stop()
	due := time.NewTimer(0)
	defer due.Stop()
	for {
		select {
		case e := <-events.Out():
			t.note(ctx, &wg, e)
		case <-t.seek:
		case <-due.C:
		case <-room.C:
			if !t.makeRoom() {
				continue
			}
		case <-turn.C:
			wg.Go(func() { t.rotate(ctx) })
			turn.Reset(untilTurn())
		case <-every.C:
			if t.outbound() < t.want {
				wg.Go(func() { t.askAround(ctx, t.h.Network().Peers()) })
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

// step disconnects and dials whom it is time for, and returns when to look again, zero if an event must come before.
func (t *Table) step(ctx context.Context, wg *sync.WaitGroup) time.Time {
	leaving, next := t.ends.due(time.Now())
	for _, p := range leaving {
		wg.Go(func() { t.ends.close(p) })
	}
	return earliest(next, t.fill(ctx, wg))
}

// metBefore takes a peer that said what it speaks before run began. Of the others an event will come.
func (t *Table) metBefore(ctx context.Context, wg *sync.WaitGroup, p peer.ID) {
	said, err := t.h.Peerstore().GetProtocols(p)
	conns := t.h.Network().ConnsToPeer(p)
	if err == nil && len(said) > 0 && len(conns) > 0 {
		agent, _ := t.h.Peerstore().Get(p, "AgentVersion")
		t.came(p, conns[0], t.h.Peerstore().Addrs(p), said, agent)
		t.meet(ctx, wg, p, said)
	}
}

// note acts on who came and went.
func (t *Table) note(ctx context.Context, wg *sync.WaitGroup, e any) {
	switch e := e.(type) {
	case event.EvtPeerConnectednessChanged:
		if e.Connectedness != network.Connected {
			t.s.Forget(e.Peer)
		}
		if t.h.Network().Connectedness(e.Peer) == network.NotConnected { // by now: a connection that ended may not have been the last
			t.went(e.Peer)
		}
	case event.EvtPeerIdentificationCompleted:
		t.silent.identified(e.Conn)
		if t.h.Network().Connectedness(e.Peer) != network.Connected {
			return
		}
		t.came(e.Peer, e.Conn, e.ListenAddrs, e.Protocols, e.AgentVersion)
		t.book.signs(e.Peer, e.SignedPeerRecord)
		t.meet(ctx, wg, e.Peer, e.Protocols)
		wg.Go(func() { t.askAround(ctx, []peer.ID{e.Peer}) })
	case event.EvtPeerProtocolsUpdated: // it was identified before it had started
		t.meet(ctx, wg, e.Peer, e.Added)
		if stream.Lists(e.Added, t.net, stream.Peers) {
			wg.Go(func() { t.askAround(ctx, []peer.ID{e.Peer}) })
		}
	case event.EvtLocalAddressesUpdated:
		t.book.hurryAll()
	}
}

// meet greets a peer that speaks our protocols, and drops one that is refused, or speaks those of another network only.
func (t *Table) meet(ctx context.Context, wg *sync.WaitGroup, p peer.ID, speaks []protocol.ID) {
	if t.cuts(p) { // it came while it was being cut off
		t.ends.soon(p)
		return
	}
	if t.IsRefused(p) { // it came before it was refused, or past the connection gater
		t.Refused(p, "", "connection of a refused peer closed")
		t.ends.later(p, departure{at: time.Now().Add(foreignTime)})
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

// came notes that p said over c what it speaks. One that speaks the protocols of another network only is not a peer, nor is one that was
// refused or disconnected on request meanwhile.
func (t *Table) came(p peer.ID, c network.Conn, listens []ma.Multiaddr, speaks []protocol.ID, agent any) {
	if theirs := foreignNetwork(speaks, t.net); theirs != "" || t.IsRefused(p) {
		return
	}
	news := t.book.came(p, provenFirst(listens, c.RemoteMultiaddr()))
	t.book.proved(p, c.RemoteMultiaddr())
	if t.IsRefused(p) {
		t.book.forget(p)
		return
	}
	if news {
		t.log.Info("peer connected", "peer", p, "address", c.RemoteMultiaddr(), "direction", direction(c), "agent", agent)
	}
}

// went notes that p has no connection left.
func (t *Table) went(p peer.ID) {
	t.theirs.forget(p)
	was, unheard := t.book.went(p)
	if was {
		t.log.Info("peer disconnected", "peer", p)
	}
	if !t.rests(p) && unheard {
		t.tell(p, errLeft)
	}
}

// Said notes that p said a status of this network. With too many connections those of peers that did not are closed first.
func (t *Table) Said(p peer.ID) {
	t.forgive(p)
	t.book.said(p)
	if t.isConnected(p) { // else the manager would remember it until it comes again
		t.h.ConnManager().TagPeer(p, "member", memberTag)
	}
}

// keepBook writes the book every minute and at the end.
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

// outbound counts peers that this node dialled.
func (t *Table) outbound() int { return len(t.dialled()) }

// dialled lists peers that this node dialled.
func (t *Table) dialled() []peer.ID {
	return slices.DeleteFunc(t.h.Network().Peers(), func(p peer.ID) bool { return !t.client.HasDialled(p) })
}

// askAround asks peers for peers, one after the other, while there are too few.
func (t *Table) askAround(ctx context.Context, peers []peer.ID) {
	for _, p := range peers {
		if ctx.Err() != nil || t.outbound() >= t.want {
			return
		}
		t.learn(ctx, p)
	}
}

// learn asks p for peers, if that is one of its protocols.
func (t *Table) learn(ctx context.Context, p peer.ID) {
	if !t.client.Speaks(p, stream.Peers) {
		return
	}
	found, err := t.AskPeers(ctx, p)
	if err == nil || !stream.IsLater(err) {
		t.theirs.note(p, found)
	}
	if err != nil {
		t.log.Debug("peer exchange failed", "peer", p, "error", err)
		return
	}
	for _, info := range found {
		t.Hear(info, false)
	}
}

// Hear notes where somebody says that a peer is. Where it is said that this node is, a node with the same identity may be.
func (t *Table) Hear(info peer.AddrInfo, near bool) {
	if info.ID == t.h.ID() {
		t.twin.hear(info.Addrs)
		return
	}
	t.book.heard(info, near)
	signal(t.seek)
}

// signal fills a channel of size one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
