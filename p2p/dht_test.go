package p2p_test

import (
	"testing"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
	"kuai/p2p/stream"
)

func TestPeersAreFoundInTheDHT(t *testing.T) {
	r := chaintest.Rules()
	on := func(c *p2p.Config) { c.DHT = true }
	hub, a, b := runNode(t, r, on), runNode(t, r, on), runNode(t, r, on)
	hosttest.Eventually(t, "the hub exchanges peers", func() bool {
		for _, id := range hub.Host().Mux().Protocols() {
			if id == stream.ID(r.Network(), stream.Peers) {
				return true
			}
		}
		return false
	})
	hub.Host().RemoveStreamHandler(stream.ID(r.Network(), stream.Peers)) // so that the DHT is the only way
	for _, n := range []*testNode{a, b} {
		if err := n.Connect(hub.Addresses()[0]); err != nil {
			t.Fatal(err)
		}
	}
	hosttest.Eventually(t, "the two found each other", func() bool { return a.connectedTo(b) })
}
