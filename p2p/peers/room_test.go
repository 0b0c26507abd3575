package peers

import (
	"context"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/p2p/hosttest"
)

// muteOn connects and opens streams on which nothing is agreed.
func muteOn(t *testing.T, from, to host.Host, streams int) {
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

// roomFull is how many mute streams a node lets be.
const roomFull = 64

func TestRoomIsTakenFromWhoHoldsMost(t *testing.T) {
	hosttest.NoLeaks(t)
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	polite, greedy := hosttest.New(t), hosttest.New(t)
	muteOn(t, polite, h, roomShare-1)
	muteOn(t, greedy, h, roomFull)
	hosttest.Eventually(t, "all streams wait for their protocol", func() bool { return muteStreams(h) >= roomFull+roomShare-1 })

	ctx, cancel := context.WithCancel(t.Context())
	blamed, done := make(chan peer.ID, 4), make(chan struct{})
	go func() {
		defer close(done)
		keepRoom(ctx, h, newDisconnects(h), roomFull, func(p peer.ID, err error) { blamed <- p })
	}()
	if p := <-blamed; p != greedy.ID() {
		t.Errorf("%s was blamed, %s holds the most", p, greedy.ID())
	}
	hosttest.Eventually(t, "the room is free again", func() bool { return muteStreams(h) == roomShare-1 })
	cancel()
	<-done
	if len(blamed) > 0 || len(h.Network().ConnsToPeer(polite.ID())) == 0 {
		t.Error("a peer that holds few streams lost its place")
	}
}
