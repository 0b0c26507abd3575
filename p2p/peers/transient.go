package peers

import (
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/p2p/wire"
)

// Streams without a negotiated protocol share the transient scope of the resource manager. Peers that open
// streams and negotiate nothing would use it up, and no other peer would be answered.
const (
	transientEvery    = 100 * time.Millisecond
	minTransientShare = 16 // transient streams at once that no honest peer reaches
)

// limitTransient disconnects and refuses the peers with the most transient streams, if there are too many. It
// reports whether there were.
func (t *Table) limitTransient() bool {
	all := transientStreams(t.h)
	if all <= t.maxTransient {
		return false
	}
	for _, m := range transientHolders(t.h) {
		if all <= t.maxTransient || m.streams < minTransientShare {
			break
		}
		all -= m.streams
		if !t.IsFaulty(m.peer) {
			t.Punish(m.peer, wire.Violation("%d streams of no protocol", m.streams))
			t.disconnects.now(m.peer)
		}
	}
	return true
}

// transientStreams counts the streams that peers opened and that have no protocol yet.
func transientStreams(h host.Host) (n int) {
	_ = h.Network().ResourceManager().ViewTransient(func(s network.ResourceScope) error {
		n = s.Stat().NumStreamsInbound
		return nil
	})
	return n
}

// transientHolder is a peer with its number of transient streams.
type transientHolder struct {
	peer    peer.ID
	streams int
}

// transientHolders returns the peers with transient streams, those with the most first.
func transientHolders(h host.Host) []transientHolder {
	count := make(map[peer.ID]int)
	for _, c := range h.Network().Conns() {
		for _, st := range c.GetStreams() {
			if st.Stat().Direction == network.DirInbound && st.Protocol() == "" {
				count[c.RemotePeer()]++
			}
		}
	}
	var all []transientHolder
	for p, n := range count {
		all = append(all, transientHolder{p, n})
	}
	slices.SortFunc(all, func(a, b transientHolder) int { return b.streams - a.streams })
	return all
}
