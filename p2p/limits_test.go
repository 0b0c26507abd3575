package p2p

import (
	"fmt"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"kuai/p2p/hosttest"
)

// admitted opens up to n connections of different peers from one address and says how many were let in.
func admitted(t *testing.T, from string, n int) int {
	t.Helper()
	rm, err := newResourceManager()
	if err != nil {
		t.Fatal(err)
	}
	defer rm.Close()
	for i := range n {
		at := ma.StringCast(fmt.Sprintf("%s/tcp/%d", from, 1024+i))
		c, err := rm.OpenConnection(network.DirInbound, true, at)
		if err != nil {
			return i
		}
		defer c.Done()
		if err := c.SetPeer(peer.ID(fmt.Sprintf("peer-%d", i))); err != nil {
			return i
		}
	}
	return n
}

func TestConnectionsFromOneAddress(t *testing.T) {
	for _, c := range []struct {
		name, from string
		most       int
	}{
		{"loopback", "/ip4/127.0.0.1", maxConnsInbound},
		{"Docker's bridge", "/ip4/172.17.0.1", maxConnsInbound},
		{"a LAN", "/ip4/192.168.1.7", maxConnsInbound},
		{"a LAN, IPv6", "/ip6/fd00::7", maxConnsInbound},
		{"public", "/ip4/8.8.4.4", maxPublicConns},
		{"public, IPv6", "/ip6/2001:4860::7", maxPublicConns},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := admitted(t, c.from, maxConns); got != c.most {
				t.Errorf("%d connections were let in, want %d", got, c.most)
			}
		})
	}
}

func TestLowWaterIsBelowTheLimits(t *testing.T) {
	if maxPeers >= lowWater || lowWater >= highWater || highWater >= maxConnsInbound || maxConnsInbound >= maxConns {
		t.Errorf("peers %d, low %d, high %d, inbound %d, all %d: each must leave room below the next", maxPeers, lowWater, highWater, maxConnsInbound, maxConns)
	}
}

// full is a resource manager whose limits are reached.
type full struct{ network.NullResourceManager }

func (full) OpenConnection(network.Direction, bool, ma.Multiaddr) (network.ConnManagementScope, error) {
	return nil, network.ErrResourceLimitExceeded
}

func TestLimitsAreNamedOnceInAWhile(t *testing.T) {
	log := &hosttest.Log{}
	m := &loggingManager{ResourceManager: &full{}, log: log.Logger()}
	for range 1000 {
		if _, err := m.OpenConnection(network.DirInbound, true, ma.StringCast("/ip4/192.0.2.1/tcp/1")); err == nil {
			t.Fatal("let in")
		}
	}
	if n := strings.Count(log.String(), "refused by a limit"); n != 1 {
		t.Errorf("said %d times, want once: %s", n, log)
	}
}
