package p2p

import (
	"testing"

	"kuai/chain/chaintest"
)

func TestPeersAreFoundInTheDHT(t *testing.T) {
	r := chaintest.Rules()
	on := func(c *Config) { c.DHT = true }
	hub, a, b := runNode(t, r, on), runNode(t, r, on), runNode(t, r, on)
	eventually(t, "the hub exchanges peers", func() bool {
		for _, id := range hub.h.Mux().Protocols() {
			if id == peersID(r.Network()) {
				return true
			}
		}
		return false
	})
	hub.h.RemoveStreamHandler(peersID(r.Network())) // so that the DHT is the only way
	for _, n := range []*testNode{a, b} {
		if err := n.Connect(hub.Addresses()[0]); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the two found each other", func() bool { return a.connectedTo(b) })
}
