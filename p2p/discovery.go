package p2p

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
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
)

// How peers are looked for.
const (
	wantOutbound  = 8           // peers that this node chose itself
	wantNeighbour = 32          // peers up to which neighbours on the local network are dialled
	startDials    = 4           // remembered peers dialled at start
	seekEvery     = time.Minute // while there are too few peers
	saveEvery     = time.Minute
	yield         = 500 * time.Millisecond // the larger id waits so long for the smaller one's dial
	eventRoom     = 1024                   // events that may wait
)

// discovery finds peers and remembers them.
type discovery struct {
	h       host.Host
	f       *faults
	book    *book
	statics *statics
	x       *peerExchange
	s       *syncer // knows what peers said and brought
	log     *slog.Logger
	net     string // network id
	want    int    // outbound peers to look for
	mdns    bool   // look for neighbours
	local   func() []string
	dht     bool          // look in the DHT
	seek    chan struct{} // size one: there may be somebody to dial
}

// run looks for peers until ctx ends.
func (d *discovery) run(ctx context.Context) error {
	events, err := d.h.EventBus().Subscribe([]any{
		new(event.EvtPeerConnectednessChanged), new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerIdentificationFailed),
		new(event.EvtPeerProtocolsUpdated),
	}, eventbus.BufSize(eventRoom), eventbus.Name("kuai/discovery"))
	if err != nil {
		return err
	}
	defer events.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { d.seekPeers(ctx) })
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
		d.book.came(p, d.h.Peerstore().Addrs(p))
	}
	for {
		select {
		case e := <-events.Out():
			d.note(ctx, &wg, e)
		case <-ctx.Done():
			return nil
		}
	}
}

// note keeps book of who came and went.
func (d *discovery) note(ctx context.Context, wg *sync.WaitGroup, e any) {
	switch e := e.(type) {
	case event.EvtPeerConnectednessChanged:
		d.statics.changed(e.Peer)
		if e.Connectedness == network.NotConnected {
			d.log.Info("peer disconnected", "peer", e.Peer)
			d.book.went(e.Peer)
			d.x.went(e.Peer)
			signal(d.seek)
		}
	case event.EvtPeerIdentificationCompleted:
		if d.h.Network().Connectedness(e.Peer) != network.Connected {
			return
		}
		if d.book.came(e.Peer, provenFirst(e.ListenAddrs, e.Conn.RemoteMultiaddr())) {
			d.log.Info("peer connected", "peer", e.Peer, "address", e.Conn.RemoteMultiaddr(), "direction", direction(e.Conn), "agent", e.AgentVersion)
		}
		d.x.came(e.Peer, e.SignedPeerRecord)
		wg.Go(func() { d.askAround(ctx, []peer.ID{e.Peer}) })
	case event.EvtPeerProtocolsUpdated: // it was identified before it had started
		if slices.Contains(e.Added, peersID(d.net)) {
			wg.Go(func() { d.askAround(ctx, []peer.ID{e.Peer}) })
		}
	case event.EvtPeerIdentificationFailed:
		d.silent(e.Peer, e.Reason)
	}
}

// silent disconnects a peer that did not say in time what it speaks: nothing would ever be asked of it, and its place is wanted.
// An honest one dials again.
func (d *discovery) silent(p peer.ID, reason error) {
	if said, err := d.h.Peerstore().GetProtocols(p); err == nil && len(said) > 0 {
		return // on another connection, or before
	}
	d.log.Debug("peer does not say what it speaks, disconnecting", "peer", p, "error", reason)
	_ = d.h.Network().ClosePeer(p)
}

// keepBook writes the book every minute and at the end.
func (d *discovery) keepBook(ctx context.Context) {
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

// seekPeers dials whom the book suggests: at start the longest-lived, later while there are too few peers.
func (d *discovery) seekPeers(ctx context.Context) {
	first := d.book.prospects()
	d.dialAll(ctx, first[:min(len(first), startDials)])
	every := time.NewTicker(seekEvery)
	defer every.Stop()
	for {
		for d.fill(ctx) { // who was not reached waits now, so others have their turn
		}
		select {
		case <-d.seek:
		case <-every.C:
			if d.outbound() < d.want {
				d.askAround(ctx, d.h.Network().Peers())
			}
		case <-ctx.Done():
			return
		}
	}
}

// fill dials as many prospects as there are free slots; neighbours are dialled beyond that. It says whether there were any.
func (d *discovery) fill(ctx context.Context) bool {
	free := d.want - d.outbound()
	room := wantNeighbour - len(d.h.Network().Peers())
	var chosen []prospect
	for _, p := range d.book.prospects() {
		if p.ID == d.h.ID() || d.f.refused(p.ID) || d.h.Network().Connectedness(p.ID) == network.Connected {
			continue
		}
		if free > 0 || p.near && room > 0 {
			chosen = append(chosen, p)
			free, room = free-1, room-1
		}
	}
	d.dialAll(ctx, chosen)
	return len(chosen) > 0 && ctx.Err() == nil
}

// dialAll dials all at once and waits.
func (d *discovery) dialAll(ctx context.Context, all []prospect) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, p := range all {
		wg.Go(func() { d.dial(ctx, p) })
	}
}

// dial connects to p. Two neighbours find each other at the same moment: the one with the larger id waits a little, so
// that one connection comes of it and not two.
func (d *discovery) dial(ctx context.Context, p prospect) {
	if p.near && d.h.ID() > p.ID {
		pause(ctx, yield)
	}
	if d.h.Network().Connectedness(p.ID) == network.Connected {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := dial(ctx, d.h, p.AddrInfo); err != nil {
		d.log.Debug("peer not reached", "peer", p.ID, "error", err)
		d.book.failed(p.ID)
	}
}

// outbound counts peers that this node dialled.
func (d *discovery) outbound() int { return len(d.dialled()) }

// dialled lists peers that this node dialled.
func (d *discovery) dialled() []peer.ID {
	return slices.DeleteFunc(d.h.Network().Peers(), func(p peer.ID) bool { return !hasDialled(d.h, p) })
}

// hasDialled says whether h has a connection to p that it opened.
func hasDialled(h host.Host, p peer.ID) bool {
	return slices.ContainsFunc(h.Network().ConnsToPeer(p), func(c network.Conn) bool { return c.Stat().Direction == network.DirOutbound })
}

// askAround asks peers for peers, one after the other, while there are too few.
func (d *discovery) askAround(ctx context.Context, peers []peer.ID) {
	for _, p := range peers {
		if ctx.Err() != nil || d.outbound() >= d.want {
			return
		}
		d.learn(ctx, p)
	}
}

// learn asks p for peers, if that is one of its protocols.
func (d *discovery) learn(ctx context.Context, p peer.ID) {
	if !d.s.speaks(p, peersName) {
		return
	}
	found, err := d.s.askPeers(ctx, p)
	if err != nil {
		d.log.Debug("peer exchange failed", "peer", p, "error", err)
		return
	}
	for _, info := range found {
		if info.ID != d.h.ID() {
			d.book.heard(info, false)
		}
	}
	signal(d.seek)
}

func direction(c network.Conn) string {
	if c.Stat().Direction == network.DirInbound {
		return "inbound"
	}
	return "outbound"
}
