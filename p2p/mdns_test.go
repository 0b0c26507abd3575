package p2p

import (
	"net"
	"os"
	"testing"

	"kuai/chain/chaintest"
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

func TestNeighboursFindEachOther(t *testing.T) {
	if !multicast(t) {
		if os.Getenv("CI") == "true" {
			t.Fatal("no network interface that is up can multicast")
		}
		t.Skip("no network interface that is up can multicast")
	}
	r := chaintest.Rules()
	on := func(c *Config) { c.MDNS = true }
	a, b := runNode(t, r, on), runNode(t, r, on)
	eventually(t, "the two are connected", func() bool { return a.connectedTo(b) && b.connectedTo(a) })
}
