package p2p_test

import (
	"slices"
	"testing"
	"time"

	"kuai/p2p"
	"kuai/p2p/p2ptest"
)

// TestPeersOfPeers: a peer says with whom it is connected once somebody wants to see it, and what it said goes with it.
func TestPeersOfPeers(t *testing.T) {
	bubble(t, p2ptest.Options{Nodes: 3, Links: p2ptest.Line}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		n, far := net.Nodes[0], net.Nodes[2].ID()
		knows := func() bool {
			n.RefreshPeerLists()
			return slices.ContainsFunc(n.Peers(), func(p p2p.Peer) bool { return p.Connected && slices.Equal(p.Knows, []string{far}) })
		}
		net.Await(15*time.Second, "the far node is heard of", knows)
		net.Stop(2)
		net.Await(30*time.Second, "it is heard that it has gone", func() bool { return !knows() })
		net.Stop(1)
		net.Await(30*time.Second, "nothing is left of what the peer said", func() bool {
			return !slices.ContainsFunc(n.Peers(), func(p p2p.Peer) bool { return p.Connected || len(p.Knows) > 0 })
		})
	})
}
