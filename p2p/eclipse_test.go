package p2p_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"

	"github.com/libp2p/go-libp2p/core/peer"
)

// TestEclipseAcrossARestart starts a node whose peers.json an attacker has filled with long-lived peers of its
// own, all alive, all in one subnet. The node still finds the honest network among them.
func TestEclipseAcrossARestart(t *testing.T) {
	r := chaintest.Rules()
	at := func(subnet, host int) func(*p2p.Config) {
		return func(c *p2p.Config) { c.Listen = []string{fmt.Sprintf("/ip4/127.0.%d.%d/tcp/0", subnet, host)} }
	}
	var file []bookEntry
	var honest []*testNode
	note := func(n *testNode, stayed time.Duration) {
		info, err := peer.AddrInfoFromString(n.Addresses()[0])
		if err != nil {
			t.Fatal(err)
		}
		file = append(file, bookEntry{ID: n.ID(), Addrs: []string{info.Addrs[0].String()}, Stayed: int64(stayed / time.Second), Seen: 1})
	}
	for i := range 12 {
		note(runNode(t, r, at(200, i+1)), 1000*time.Hour)
	}
	for i := range 4 {
		n := runNode(t, r, at(i+1, 1))
		honest = append(honest, n)
		note(n, time.Hour)
	}
	const room = 256                    // in the file
	for i := len(file); i < room; i++ { // and as many that do not answer as there is room for
		key := hosttest.Key(t)
		file = append(file, bookEntry{ID: hosttest.IDOf(t, key), Addrs: []string{fmt.Sprintf("/ip4/127.0.200.%d/tcp/9", 100+i%100)}, Stayed: 1 << 30, Seen: 1})
	}
	victim := runNode(t, r, remembering(t, file...))
	hosttest.Eventually(t, "the honest peers are connected", func() bool {
		return !slices.ContainsFunc(honest, func(n *testNode) bool { return !victim.connectedTo(n) })
	})
	mined := chaintest.MineOn(t, honest[3].c, 1)[0]
	hosttest.Eventually(t, "an honest block arrives", func() bool { return victim.c.Tip().Hash == mined.Hash() })
}
