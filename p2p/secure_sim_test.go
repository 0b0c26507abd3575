package p2p_test

import (
	"testing"
	"time"

	"kuai/chain/chaintest"
	"kuai/chain/wallet"
	"kuai/p2p/p2ptest"
)

// TestSecurePartitionHeals is the story of a secure network: payments and blocks reach all, a partition lives
// on in two parts, and after it all have one chain, one pool and the same balances.
func TestSecurePartitionHeals(t *testing.T) {
	bubble(t, p2ptest.Options{Nodes: 6, Links: p2ptest.Ring, Rules: chaintest.SecureRules()}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		ids := append(net.Pay(0, 3), net.Pay(5, 3)...)
		net.AllPending(30*time.Second, ids)
		net.Mine(5, 1)
		net.Reach(5*time.Second, net.Nodes[5].Chain.Tip().Hash)
		net.Cut(func(i int) int { return i / 3 })
		net.Rest(20 * time.Second)
		ids = append(append(ids, net.Pay(1, 4)...), net.Pay(4, 4)...)
		for range 5 {
			net.Mine(0, 1)
			net.Mine(3, 2)
			net.Rest(3 * time.Second)
		}
		net.Heal()
		net.Converge(20 * time.Second)
		net.AllKnown(30*time.Second, ids)
		net.Mine(2, 1)
		net.Converge(5 * time.Second)
		net.Conserved(ids)
		for _, name := range append([]string{"gina"}, wallet.DevelopmentNames...) {
			a := wallet.DevelopmentKey(name).Address()
			want, _, err := net.Nodes[0].Chain.Balance(a)
			if err != nil {
				t.Fatal(err)
			}
			for i, n := range net.Nodes {
				if got, _, err := n.Chain.Balance(a); err != nil || got != want {
					t.Errorf("node %d: %s has %d, want %d: %v", i, name, got, want, err)
				}
			}
		}
	})
}
