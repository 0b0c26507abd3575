package e2e

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"testing"

	"kuai/test/process"
)

// TestNeighbours finds a node on the same machine by multicast, with no flag but the port. Its network is its own, so that no
// other node on the link is found.
func TestNeighbours(t *testing.T) {
	file := filepath.Join(t.TempDir(), "network.json")
	genesis := fmt.Sprintf(`{"index": 1, "previous_hash": "1", "proof": 100, "timestamp": %d.5, "transactions": []}`, rand.IntN(1_600_000_000))
	if err := os.WriteFile(file, fmt.Appendf(nil, `{"name": "neighbours", "genesis": %s}`, genesis), 0o600); err != nil {
		t.Fatal(err)
	}
	needMulticast(t)
	a, b := newDaemon(t), newDaemon(t)
	for _, d := range []*daemon{a, b} {
		d.Start("--network", file, "--mdns=true", "--listen", fmt.Sprintf("/ip4/0.0.0.0/tcp/%d", process.FreePort(t)))
	}
	a.mine()
	agreed(t, a, b)
}

// needMulticast skips the test where this machine has no interface that multicast discovery can use.
func needMulticast(t *testing.T) {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&net.FlagUp != 0 && i.Flags&net.FlagMulticast != 0 && i.Flags&net.FlagLoopback == 0 {
			return
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("no interface with multicast here")
	}
	t.Skip("no interface with multicast here")
}
