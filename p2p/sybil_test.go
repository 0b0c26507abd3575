package p2p_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/p2p"
	"kuai/p2p/p2ptest"
)

// TestSybils lets 80 bare hosts meet 20 honest nodes before these meet each other. They join the mesh of
// everybody they can, 16 to each node, and pass nothing on. Every honest block still reaches every honest node
// within 6 s.
func TestSybils(t *testing.T) {
	t.Parallel()
	count := 80
	if p2p.Raced {
		count /= 4 // four to each node: the races are the same
	}
	far := func(n, a, b int) bool { d := (a - b + n) % n; return d == 1 || d == n-1 || d == 7 || d == n-7 }
	synctest.Test(t, func(t *testing.T) {
		net := p2ptest.New(t, p2ptest.Options{Nodes: 20, Links: far, Latency: 10 * time.Millisecond})
		net.Cut(func(i int) int { return i })
		for i := range count {
			defer sybil(t, net, i)()
		}
		net.Rest(5 * time.Second) // they are in every mesh before an honest node is
		net.Heal()
		net.Connected(20 * time.Second)
		for i := range net.Nodes {
			net.Mine(i, 1)
			took := net.Reach(6*time.Second, net.Nodes[i].Chain.Tip().Hash)
			t.Logf("block of node %d everywhere after %v", i, took)
		}
		nobodyBlamed(t, net)
	})
}

// sybil joins four nodes' meshes, swallows what it hears, and leaves.
func sybil(t *testing.T, net *p2ptest.Net, i int) (leave func()) {
	t.Helper()
	swallow := func(context.Context, peer.ID, *pubsub.Message) pubsub.ValidationResult {
		return pubsub.ValidationIgnore
	}
	_, leave = enlistAt(t, net, []int{i % 20, (i + 5) % 20, (i + 10) % 20, (i + 15) % 20},
		pubsub.WithDefaultValidator(pubsub.ValidatorEx(swallow)))
	return leave
}
