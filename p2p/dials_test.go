package p2p_test

import (
	"context"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
)

// dialRecorder records the protocols of streams for which a host would dial.
type dialRecorder struct {
	host.Host
	mu      sync.Mutex
	opened  map[protocol.ID]bool
	dialled []protocol.ID
}

func (d *dialRecorder) NewStream(ctx context.Context, p peer.ID, ids ...protocol.ID) (network.Stream, error) {
	noDial, _ := network.GetNoDial(ctx)
	d.mu.Lock()
	for _, id := range ids {
		d.opened[id] = true
	}
	if !noDial {
		d.dialled = append(d.dialled, ids...)
	}
	d.mu.Unlock()
	return d.Host.NewStream(ctx, p, ids...)
}

// TestStreamsDoNotDial runs a node with all that opens streams, also in libraries, which by default dial a peer that
// was just disconnected.
func TestStreamsDoNotDial(t *testing.T) {
	r := chaintest.Rules()
	on := func(c *p2p.Config) { c.DHT = true }
	other := runNode(t, r, on)
	d := &dialRecorder{Host: hosttest.New(t), opened: make(map[protocol.ID]bool)}
	n, err := p2p.NewOn(d, p2p.Config{DHT: true}, chaintest.Open(t, r), (&hosttest.Log{}).Logger())
	if err != nil {
		t.Fatal(err)
	}
	running(t, n)
	if err = n.Connect(other.Addresses()[0]); err != nil {
		t.Fatal(err)
	}
	d.await(t, "/meshsub/1.3.0", protocol.ID("/kuai/"+r.Network()+"/kad/1.0.0"), protocol.ID("/kuai/"+r.Network()+"/status/1"))
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.dialled) > 0 {
		t.Errorf("streams of %q may dial", d.dialled)
	}
}

// await waits until streams of all these protocols were asked for.
func (d *dialRecorder) await(t *testing.T, ids ...protocol.ID) {
	t.Helper()
	for _, id := range ids {
		hosttest.Eventually(t, "a stream of "+string(id), func() bool {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.opened[id]
		})
	}
}
