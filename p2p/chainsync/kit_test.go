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

// testPeer is a syncer on a real host, with a real chain in memory, and a table of peers that dials nobody.
type testPeer struct {
	*Syncer
	id    peer.ID
	table *peers.Table
	said  *hosttest.Log
	turns chan consensus.Header // what onSwitch was told
}

// newTestPeer returns a syncer on its own host that does not run yet.
func newTestPeer(t testing.TB, c *chain.Chain) *testPeer {
	t.Helper()
	said := &hosttest.Log{}
	log := slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), said), &slog.HandlerOptions{Level: slog.LevelDebug}))
	tp := newTestPeerIn(t, c.Rules().Network(), c, log)
	tp.said = said
	return tp
}

// newTestPeerIn is newStation in a network of any name, with a log of its own.
func newTestPeerIn(t testing.TB, network string, c *chain.Chain, log *slog.Logger) *testPeer {
	t.Helper()
	h := hosttest.New(t)
	log = log.With("node", h.ID().ShortString())
	d := peers.New(h, peers.NewGater(h.ID(), "", nil, log), peers.Config{Network: network}, log)
	server := stream.NewServer(d)
	d.Serve(server)
	client := stream.Client{Host: h, Network: network, Refused: d.Refused}
	tp := &testPeer{
		Syncer: New(c, Config{Agent: "kuai-test"}, d, client, server, log),
		id:     h.ID(), table: d, turns: make(chan consensus.Header, 1024),
	}
	tp.onSwitch = func(b *consensus.Block) { tp.turns <- b.Header() }
	return tp
}

// start runs the test peer until the test's end. It returns when the test peer answers.
func (tp *testPeer) start(t testing.TB) *testPeer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { tp.server.Run(ctx, tp.host, tp.network); return nil })
		g.Go(func() error { return tp.Run(ctx) })
		g.Go(func() error { return tp.table.Run(ctx, tp.Syncer) })
		done <- g.Wait()
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	hosttest.Eventually(t, "the station answers", func() bool {
		spoken := tp.host.Mux().Protocols()
		for name := range tp.server.Handlers {
			if !slices.Contains(spoken, stream.ID(tp.network, name)) {
				return false
			}
		}
		return true
	})
	return tp
}

// watch runs the table of peers until the test's end, and nothing else.
func (tp *testPeer) watch(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- tp.table.Run(ctx, tp.Syncer) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// serveOnly answers until the test's end and asks nobody.
func (tp *testPeer) serveOnly(t testing.TB) *testPeer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	tp.server.Open(ctx, tp.host, tp.network)
	t.Cleanup(func() {
		cancel()
		tp.server.Close(tp.host, tp.network)
	})
	return tp
}

// startOn returns a running test peer on a chain in memory that holds blocks.
func startOn(t testing.TB, r *consensus.Rules, blocks ...*consensus.Block) *testPeer {
	t.Helper()
	return newTestPeer(t, chainOf(t, r, blocks...)).start(t)
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

// connect dials other, and returns when the test peer knows all protocols of the network that other serves:
// identify may be answered from before other served them, and is told of them afterwards.
func (tp *testPeer) connect(t testing.TB, other *testPeer) {
	t.Helper()
	if err := tp.host.Connect(context.Background(), peer.AddrInfo{ID: other.id, Addrs: other.host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the other's protocols are known", func() bool {
		for _, served := range other.host.Mux().Protocols() {
			if !strings.HasPrefix(string(served), "/kuai/") {
				continue
			}
			if known, err := tp.host.Peerstore().SupportsProtocols(other.id, served); err != nil || len(known) == 0 {
				return false
			}
		}
		return true
	})
}

// reaches waits until the test peer's tip is hash.
func (tp *testPeer) reaches(t testing.TB, hash consensus.Hash) {
	t.Helper()
	wake, stop := tp.chain.Watch()
	defer stop()
	late := time.After(hosttest.Soon)
	for tp.chain.Tip().Hash != hash {
		select {
		case <-wake:
		case <-late:
			t.Fatalf("tip is %d %s, want %s", tp.chain.Tip().Index, tp.chain.Tip().Hash.Short(), hash.Short())
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
