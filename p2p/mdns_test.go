package p2p

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"testing"

	"kuai/chain"
)

// multicast says whether the machine has a network to find neighbours on.
func multicast(t *testing.T) bool {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&net.FlagUp != 0 && i.Flags&net.FlagMulticast != 0 {
			return true
		}
	}
	return false
}

// ownNetwork returns a network that only this process knows: multicast reaches all nodes of this machine and of its links.
func ownNetwork(t *testing.T) *chain.Rules {
	t.Helper()
	const file = `{"name": "test", "zeros": 1,
		"genesis": {"index": 1, "previous_hash": "1", "proof": 100, "timestamp": %d.5, "transactions": []}}`
	r, err := chain.ReadRules(fmt.Appendf(nil, file, rand.IntN(1_600_000_000)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNeighboursFindEachOther(t *testing.T) {
	if !multicast(t) {
		if os.Getenv("CI") == "true" {
			t.Fatal("no network interface that is up can multicast")
		}
		t.Skip("no network interface that is up can multicast")
	}
	r := ownNetwork(t)
	on := func(c *Config) { c.MDNS = true }
	a, b := runNode(t, r, on), runNode(t, r, on)
	eventually(t, "the two are connected", func() bool { return a.connectedTo(b) && b.connectedTo(a) })
}
