package peers

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/p2p/wire"
)

// Streams whose protocol is not agreed on yet share one room of the resource manager. Peers that open streams and say nothing
// would fill it, and nobody else were answered.
const (
	roomEvery = 100 * time.Millisecond
	roomShare = 16 // mute streams of one peer that no honest one has at once
)

// keepRoom disconnects and refuses the peers that hold the most mute streams, while there are more than full, until ctx ends.
func keepRoom(ctx context.Context, h host.Host, ends *disconnects, full int, punish func(peer.ID, error)) {
	look := time.NewTicker(roomEvery)
	defer look.Stop()
	for {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
		for all := muteStreams(h); all > full; {
			worst, n := mutest(h)
			if n < roomShare {
				break
			}
			punish(worst, wire.Violation("%d streams of no protocol", n))
			_ = ends.now(worst)
			all -= n
		}
	}
}

// muteStreams counts the streams that peers opened and that have no protocol yet.
func muteStreams(h host.Host) (n int) {
	_ = h.Network().ResourceManager().ViewTransient(func(s network.ResourceScope) error {
		n = s.Stat().NumStreamsInbound
		return nil
	})
	return n
}

// mutest returns the peer that holds the most of them.
func mutest(h host.Host) (worst peer.ID, most int) {
	count := make(map[peer.ID]int)
	for _, c := range h.Network().Conns() {
		for _, st := range c.GetStreams() {
			if st.Stat().Direction == network.DirInbound && st.Protocol() == "" {
				count[c.RemotePeer()]++
			}
		}
	}
	for p, n := range count {
		if n > most {
			worst, most = p, n
		}
	}
	return worst, most
}
