package peers_test

import (
	"context"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"

	"kuai/p2p/hosttest"
	"kuai/p2p/peers"
)

// openTransient connects and opens streams on which nothing is agreed.
func openTransient(t *testing.T, from, to host.Host, streams int) {
	t.Helper()
	if err := from.Connect(t.Context(), peer.AddrInfo{ID: to.ID(), Addrs: to.Addrs()}); err != nil {
		t.Fatal(err)
	}
	for range streams {
		st, err := from.Network().NewStream(t.Context(), to.ID())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.Write([]byte{19}); err != nil { // the length of multistream's first line, not the line
			t.Fatal(err)
		}
	}
}

const (
	transientLimit    = 64 // transient streams that the node in these tests allows
	minTransientShare = 16 // of one peer, that no honest one reaches
)

// transientStreams counts the streams of peers that have no protocol yet.
func transientStreams(h host.Host) (n int) {
	_ = h.Network().ResourceManager().ViewTransient(func(s network.ResourceScope) error {
		n = s.Stat().NumStreamsInbound
		return nil
	})
	return n
}

func TestPeerWithMostTransientStreamsIsPunished(t *testing.T) {
	hosttest.NoLeaks(t)
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	polite, greedy := hosttest.New(t), hosttest.New(t)
	openTransient(t, polite, h, minTransientShare-1)
	openTransient(t, greedy, h, transientLimit)
	hosttest.Eventually(t, "all streams wait for their protocol", func() bool { return transientStreams(h) >= transientLimit+minTransientShare-1 })

	log := &hosttest.Log{}
	table := peers.New(h, peers.NewGater(h.ID(), "", nil, log.Logger()), peers.Config{Network: "test", MaxTransient: transientLimit}, log.Logger())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- table.Run(ctx, noSyncs{}) }()
	hosttest.Eventually(t, "the transient streams are closed", func() bool { return transientStreams(h) == minTransientShare-1 })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if table.Score(greedy.ID()) == 0 || table.Score(polite.ID()) != 0 {
		t.Errorf("scores are %v for who holds the most, %v for the other one", table.Score(greedy.ID()), table.Score(polite.ID()))
	}
	if len(h.Network().ConnsToPeer(polite.ID())) == 0 {
		t.Error("a peer that holds few streams lost its place")
	}
}

// TestMembersKeepTheirConnections: of two peers more than there is room for, the connection manager closes the
// one that said no status, though it is the busier one.
func TestMembersKeepTheirConnections(t *testing.T) {
	manager, err := connmgr.NewConnManager(1, 1, connmgr.WithGracePeriod(0))
	if err != nil {
		t.Fatal(err)
	}
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics(), libp2p.ConnectionManager(manager))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	member, bare := hosttest.New(t), hosttest.New(t)
	openTransient(t, member, h, 0)
	openTransient(t, bare, h, 1)
	hosttest.Eventually(t, "both are there, one of them with a stream", func() bool { return len(h.Network().Peers()) == 2 && transientStreams(h) == 1 })

	log := &hosttest.Log{}
	peers.New(h, peers.NewGater(h.ID(), "", nil, log.Logger()), peers.Config{Network: "test"}, log.Logger()).StatusReceived(member.ID())
	manager.TrimOpenConns(t.Context())
	hosttest.Eventually(t, "the one without a status has gone", func() bool { return len(h.Network().ConnsToPeer(bare.ID())) == 0 })
	if len(h.Network().ConnsToPeer(member.ID())) == 0 {
		t.Error("the one that said a status has gone, too")
	}
}

// noSyncs exchanges no statuses.
type noSyncs struct{}

func (noSyncs) IsNew(peer.ID) bool             { return false }
func (noSyncs) Greet(context.Context, peer.ID) {}
func (noSyncs) Forget(peer.ID)                 {}
func (noSyncs) HasStatus(peer.ID) bool         { return false }
func (noSyncs) LastNewTip(peer.ID) time.Time   { return time.Time{} }
