package chainsync

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p/hosttest"
	"kuai/p2p/peers"
	"kuai/p2p/stream"
)

// station is a syncer on a real host, with a real chain in memory, and a table of peers that dials nobody.
type station struct {
	*Syncer
	id    peer.ID
	table *peers.Table
	said  *hosttest.Log
	turns chan consensus.Header // what onSwitch was told
}

// station returns a syncer on its own host that does not run yet.
func newStation(t testing.TB, c *chain.Chain) *station {
	t.Helper()
	said := &hosttest.Log{}
	log := slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), said), &slog.HandlerOptions{Level: slog.LevelDebug}))
	st := stationIn(t, c.Rules().Network(), c, log)
	st.said = said
	return st
}

// stationIn is newStation in a network of any name, with a log of its own.
func stationIn(t testing.TB, network string, c *chain.Chain, log *slog.Logger) *station {
	t.Helper()
	h := hosttest.New(t)
	log = log.With("node", h.ID().ShortString())
	d := peers.New(h, peers.NewGater(h.ID(), "", nil, log), peers.Config{Network: network}, log)
	server := stream.NewServer(d)
	d.Serve(server)
	client := stream.Client{Host: h, Network: network, Refused: d.Refused}
	st := &station{
		Syncer: New(c, Config{Agent: "kuai-test"}, d, client, server, log),
		id:     h.ID(), table: d, turns: make(chan consensus.Header, 1024),
	}
	st.onSwitch = func(b *consensus.Block) { st.turns <- b.Header() }
	return st
}

// start runs the station until the test's end. It returns when the station answers.
func (st *station) start(t testing.TB) *station {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { st.server.Run(ctx, st.host, st.network); return nil })
		g.Go(func() error { return st.Run(ctx) })
		g.Go(func() error { return st.table.Run(ctx, st.Syncer) })
		done <- g.Wait()
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	hosttest.Eventually(t, "the station answers", func() bool {
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

// watch runs the table of peers until the test's end, and nothing else.
func (st *station) watch(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- st.table.Run(ctx, st.Syncer) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
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
	hosttest.Eventually(t, "the other's protocols are known", func() bool {
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
	late := time.After(hosttest.Soon)
	for st.chain.Tip().Hash != hash {
		select {
		case <-wake:
		case <-late:
			t.Fatalf("tip is %d %s, want %s", st.chain.Tip().Index, st.chain.Tip().Hash.Short(), hash.Short())
		}
	}
}

// hashOf returns a hash of one byte repeated.
func hashOf(b byte) (h consensus.Hash) {
	for i := range h {
		h[i] = b
	}
	return h
}
