package p2p

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p/stream"
)

// soon bounds everything that a test waits for: reaching it is a failure, so it may be long.
const soon = 60 * time.Second

// station is a syncer on a real host, with a real chain in memory, and a discovery that dials nobody.
type station struct {
	*syncer
	id     peer.ID
	faults *faults
	turns  chan consensus.Header // what onSwitch was told
}

// loopback returns a host that listens on 127.0.0.1 and does no more than it must.
func loopback(t testing.TB) host.Host {
	t.Helper()
	h, err := libp2p.New(
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"),
		libp2p.Transport(tcp.NewTCPTransport), libp2p.Security(noise.ID, noise.New), libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		libp2p.DisableRelay(), libp2p.DisableMetrics(), libp2p.ResourceManager(&network.NullResourceManager{}),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// station returns a syncer on its own host that does not run yet.
func newStation(t testing.TB, c *chain.Chain) *station {
	t.Helper()
	h := loopback(t)
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", h.ID().ShortString())
	f := newFaults(log)
	st := &station{
		syncer: newSyncer(h, c, c.Rules().Network(), "kuai-test", f, newDisconnects(h), log),
		id:     h.ID(), faults: f, turns: make(chan consensus.Header, 1024),
	}
	st.onSwitch = func(b *consensus.Block) { st.turns <- b.Header() }
	return st
}

// start runs the station until the test's end. It returns when the station answers.
func (st *station) start(t testing.TB) *station {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	b, _ := openBook("")
	d := newDiscovery(st.host, Config{}, st.faults, b, newTwin(st.id, "", st.log), st.syncer, st.log)
	d.want = 0
	go func() {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return st.run(ctx) })
		g.Go(func() error { return d.run(ctx) })
		done <- g.Wait()
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	eventually(t, "the station answers", func() bool {
		spoken := st.host.Mux().Protocols()
		for name := range st.server.Handlers {
			if !slices.Contains(spoken, stream.ID(st.network, name)) {
				return false
			}
		}
		return true
	})
	return st
}

// serveOnly answers until the test's end and asks nobody.
func (st *station) serveOnly(t testing.TB) *station {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	st.server.Open(ctx, st.host, st.network)
	t.Cleanup(func() {
		cancel()
		st.server.Shut(st.host, st.network)
	})
	return st
}

// startOn returns a running station on a chain in memory that holds blocks.
func startOn(t testing.TB, r *consensus.Rules, blocks ...*consensus.Block) *station {
	t.Helper()
	return newStation(t, chainOf(t, r, blocks...)).start(t)
}

// chainOf returns a chain in memory that holds blocks.
func chainOf(t testing.TB, r *consensus.Rules, blocks ...*consensus.Block) *chain.Chain {
	t.Helper()
	c := chaintest.Open(t, r)
	for _, b := range blocks {
		if _, err := c.Add(b, ""); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// connect dials other, and returns when the station knows all protocols of the network that other serves: identify may be answered from
// before other served them, and is told of them afterwards.
func (st *station) connect(t testing.TB, other *station) {
	t.Helper()
	if err := st.host.Connect(context.Background(), peer.AddrInfo{ID: other.id, Addrs: other.host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other's protocols are known", func() bool {
		for _, served := range other.host.Mux().Protocols() {
			if !strings.HasPrefix(string(served), "/kuai/") {
				continue
			}
			if known, err := st.host.Peerstore().SupportsProtocols(other.id, served); err != nil || len(known) == 0 {
				return false
			}
		}
		return true
	})
}

// reaches waits until the station's tip is hash.
func (st *station) reaches(t testing.TB, hash consensus.Hash) {
	t.Helper()
	wake, stop := st.chain.Watch()
	defer stop()
	late := time.After(soon)
	for st.chain.Tip().Hash != hash {
		select {
		case <-wake:
		case <-late:
			t.Fatalf("tip is %d %s, want %s", st.chain.Tip().Index, st.chain.Tip().Hash.Short(), hash.Short())
		}
	}
}

// eventually waits until ok holds, looking again every few milliseconds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	late := time.After(soon)
	for !ok() {
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("never: %s", what)
		}
	}
}

// noLeaks fails the test where a goroutine outlives it. Called first, so that it is checked last.
func noLeaks(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

// hashOf returns a hash of one byte repeated.
func hashOf(b byte) (h consensus.Hash) {
	for i := range h {
		h[i] = b
	}
	return h
}
