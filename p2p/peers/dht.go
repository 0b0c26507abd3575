package peers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	golog "github.com/ipfs/go-log/v2"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	coredisc "github.com/libp2p/go-libp2p/core/discovery"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/discovery/routing"
)

// How the DHT is used.
const (
	dhtFirst    = 2 * time.Second // until the first look: peers must be known by then
	dhtFound    = 32              // peers taken from one look-up
	dhtDials    = 64              // connections that queries open, until surplus ones are closed
	dhtLook     = 30 * time.Second
	dhtProvided = time.Hour // between two advertisements; they are kept for longer
)

// runDHT finds peers by a distributed hash table of this network's nodes: each says there that it is one, and
// looks there while it has too few peers. It needs a first peer from elsewhere.
func (t *Table) runDHT(ctx context.Context) {
	if err := errors.Join(golog.SetLogLevelRegex("^(dht|providers|table|diversityFilter)", "fatal"), t.useDHT(ctx)); err != nil {
		t.log.Warn("no DHT", "error", err)
	}
}

func (t *Table) useDHT(ctx context.Context) error {
	d := &dhtHost{Host: t.h, t: t, dialled: make(map[peer.ID]struct{})}
	table, err := dht.New(d,
		dht.Mode(dht.ModeServer), // also behind NAT: a small network has nobody else
		dht.ProtocolPrefix(protocol.ID("/kuai/"+t.net)),
		dht.DisableValues(),
	)
	if err != nil {
		return fmt.Errorf("start the DHT: %w", err)
	}
	defer table.Close()
	rd := routing.NewRoutingDiscovery(table)
	var told time.Time
	for wait := dhtFirst; ; wait = seekEvery {
		pause(ctx, wait)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(told) > dhtProvided && t.tellDHT(ctx, rd) == nil {
			told = time.Now()
		}
		if t.outbound() < t.wantOutbound {
			t.lookInDHT(ctx, rd)
		}
		d.closeSurplus()
	}
}

// tellDHT says that this node is one of the network.
func (t *Table) tellDHT(ctx context.Context, rd *routing.RoutingDiscovery) error {
	ctx, cancel := context.WithTimeout(ctx, dhtLook)
	defer cancel()
	_, err := rd.Advertise(ctx, t.net)
	if err != nil {
		t.log.Debug("not told to the DHT", "error", err)
	}
	return err
}

// lookInDHT takes peers into the book.
func (t *Table) lookInDHT(ctx context.Context, rd *routing.RoutingDiscovery) {
	ctx, cancel := context.WithTimeout(ctx, dhtLook)
	defer cancel()
	found, err := rd.FindPeers(ctx, t.net, coredisc.Limit(dhtFound))
	if err != nil {
		t.log.Debug("no peers from the DHT", "error", err)
		return
	}
	for info := range found {
		t.AddHearsay(info, false)
	}
}

// dhtHost is the host for the DHT. Its queries need connections to peers that the table did not choose, so they are
// counted, and the surplus ones are closed: outbound slots are for peers of the table's choice.
type dhtHost struct {
	host.Host
	t *Table

	mu      sync.Mutex
	dialled map[peer.ID]struct{} // by queries, since surplus connections were last closed
}

// Connect connects to a peer for a query.
func (d *dhtHost) Connect(ctx context.Context, info peer.AddrInfo) error {
	if d.t.isConnected(info.ID) {
		return nil
	}
	if !d.take(info.ID) {
		return errors.New("the DHT has dialled as many peers as it may for now")
	}
	return d.t.dialForDHT(ctx, info)
}

// NewStream opens a stream to a peer, and connects first if necessary.
func (d *dhtHost) NewStream(ctx context.Context, p peer.ID, ids ...protocol.ID) (network.Stream, error) {
	if err := d.Connect(ctx, peer.AddrInfo{ID: p}); err != nil {
		return nil, err
	}
	return d.Host.NewStream(network.WithNoDial(ctx, "connected already"), p, ids...)
}

// take counts a dial of p, unless there were too many.
func (d *dhtHost) take(p peer.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.dialled) >= dhtDials {
		return false
	}
	d.dialled[p] = struct{}{}
	return true
}

// closeSurplus closes connections of queries while there are too many outbound peers.
func (d *dhtHost) closeSurplus() {
	d.mu.Lock()
	dialled := d.dialled
	d.dialled = make(map[peer.ID]struct{})
	d.mu.Unlock()
	for p := range dialled {
		d.t.closeSurplus(p)
	}
}
