package peers

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"kuai/p2p/hosttest"
)

// ends are the addresses of a connection.
type ends struct{ local, remote ma.Multiaddr }

func (e ends) LocalMultiaddr() ma.Multiaddr { return e.local }

func (e ends) RemoteMultiaddr() ma.Multiaddr { return e.remote }

// TestLookLasts keeps the connection of a look open until its other end has come in: a listener forgets one
// that ends before.
func TestLookLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin("", "", slog.New(slog.DiscardHandler))
		from := ma.StringCast("/ip4/127.0.0.1/tcp/40000")
		began, over := time.Now(), make(chan struct{})
		go func() {
			defer close(over)
			tw.secured(network.DirOutbound, ends{local: from})
		}()
		synctest.Wait()
		select {
		case <-over:
			t.Error("the connection may end before it has come in")
		default:
		}
		tw.secured(network.DirInbound, ends{remote: from})
		<-over
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waits %s for an end that has come in", waited)
		}
		tw.arrivals = nil
		tw.secured(network.DirOutbound, ends{local: ma.StringCast("/ip4/127.0.0.1/tcp/40001")})
		if waited := time.Since(began); waited != twinArrivesWithin {
			t.Errorf("waits %s for an end that does not come in, not %s", waited, twinArrivesWithin)
		}
	})
}

// TestOwnAddressesAreNoTwin judges connections that came in from where this node listens.
func TestOwnAddressesAreNoTwin(t *testing.T) {
	h, log := hosttest.New(t), &hosttest.Log{}
	g := NewGater(h.ID(), "", nil, log.Logger())
	g.Attach(h, 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.twin.run(ctx)
	}()
	for range twinQueue {
		g.twin.inbound <- h.Addrs()[0] // from where a look of its own came in
	}
	hosttest.Eventually(t, "all is judged", func() bool { return len(g.twin.inbound) == 0 })
	cancel()
	<-done
	if log.String() != "" {
		t.Errorf("it takes itself for another node: %s", log)
	}
}
