package p2p

import (
	"context"
	"log/slog"
	"testing"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
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

func TestRoomIsTakenFromWhoHoldsMost(t *testing.T) {
	noLeaks(t)
	key, err := EphemeralIdentity()
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	h, err := newHost(Config{Identity: key, Listen: []string{"/ip4/127.0.0.1/tcp/0"}}, gater{f: newFaults(log)}, log)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	polite, greedy := loopback(t), loopback(t)
	muteOn(t, polite, h, roomShare-1)
	muteOn(t, greedy, h, roomFull)
	eventually(t, "all streams wait for their protocol", func() bool { return muteStreams(h) >= roomFull+roomShare-1 })

	ctx, cancel := context.WithCancel(t.Context())
	blamed, done := make(chan peer.ID, 4), make(chan error, 1)
	go func() { done <- keepRoom(ctx, h, newDisconnects(h), func(p peer.ID, err error) { blamed <- p }) }()
	if p := <-blamed; p != greedy.ID() {
		t.Errorf("%s was blamed, %s holds the most", p, greedy.ID())
	}
	eventually(t, "the room is free again", func() bool { return muteStreams(h) == roomShare-1 })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if len(blamed) > 0 || len(h.Network().ConnsToPeer(polite.ID())) == 0 {
		t.Error("a peer that holds few streams lost its place")
	}
}
