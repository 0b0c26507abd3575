package p2p_test

import (
	"testing"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
)

// TestNodesOfOneMachine: a node dials those of which Config.Local tells, again and again without complaint
// about what it cannot use.
func TestNodesOfOneMachine(t *testing.T) {
	r := chaintest.Rules()
	a := runNode(t, r, func(c *p2p.Config) {
		c.Listen, c.Announce = []string{"/ip4/0.0.0.0/tcp/0"}, []string{"/ip4/192.0.2.1/tcp/1"}
	})
	own := make(chan string, 1)
	b := runNode(t, r, func(c *p2p.Config) {
		c.Local = func() []string {
			address := <-own
			own <- address
			return append([]string{"", "/ip4/127.0.0.1/tcp/1", address}, a.LocalAddresses()...)
		}
	})
	own <- b.LocalAddresses()[0]
	hosttest.Eventually(t, "the two are connected", func() bool { return a.connectedTo(b) && b.connectedTo(a) })
}
