package peers

import (
	"slices"
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

// makeRoom disconnects and refuses the peers that hold the most mute streams, if there are too many. It reports whether there were.
func (t *Table) makeRoom() bool {
	all := muteStreams(t.h)
	if all <= t.mute {
		return false
	}
	for _, m := range mutest(t.h) {
		if all <= t.mute || m.streams < roomShare {
			break
		}
		all -= m.streams
		if !t.IsFaulty(m.peer) { // else it is on its way out
			t.Punish(m.peer, wire.Violation("%d streams of no protocol", m.streams))
			t.ends.soon(m.peer)
		}
	}
	return true
}

// muteStreams counts the streams that peers opened and that have no protocol yet.
func muteStreams(h host.Host) (n int) {
	_ = h.Network().ResourceManager().ViewTransient(func(s network.ResourceScope) error {
		n = s.Stat().NumStreamsInbound
		return nil
	})
	return n
}

// mute is how many mute streams a peer holds.
type mute struct {
	peer    peer.ID
	streams int
}

// mutest returns the peers that hold any, those with the most first.
func mutest(h host.Host) []mute {
	count := make(map[peer.ID]int)
	for _, c := range h.Network().Conns() {
		for _, st := range c.GetStreams() {
			if st.Stat().Direction == network.DirInbound && st.Protocol() == "" {
				count[c.RemotePeer()]++
			}
		}
	}
	var all []mute
	for p, n := range count {
		all = append(all, mute{p, n})
	}
	slices.SortFunc(all, func(a, b mute) int { return b.streams - a.streams })
	return all
}
