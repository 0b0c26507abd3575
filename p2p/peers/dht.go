package peers

import (
	"context"
	"errors"
	"fmt"
	"time"

	golog "github.com/ipfs/go-log/v2"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	coredisc "github.com/libp2p/go-libp2p/core/discovery"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/discovery/routing"
)

// How the DHT is used.
const (
	dhtFirst    = 2 * time.Second // until the first look: peers must be known by then
	dhtFound    = 32              // peers taken from one look-up
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
	table, err := dht.New(t.h,
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
