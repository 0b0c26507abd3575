package p2p_test

import (
	"strings"
	"testing"

	"kuai/chain/chaintest"
	"kuai/p2p"
	"kuai/p2p/hosttest"
)

// TestRefusalsAreExplained looks into the log of a node that does not reach its static peer.
func TestRefusalsAreExplained(t *testing.T) {
	r := chaintest.Rules()
	swarm := func(digit string) func(*p2p.Config) {
		return func(c *p2p.Config) {
			c.SwarmKey = []byte("/key/swarm/psk/1.0.0/\n/base16/\n" + strings.Repeat(digit, 64) + "\n")
		}
	}
	stranger := "/p2p/" + hosttest.IDOf(t, hosttest.Key(t))
	for _, c := range []struct {
		name        string
		here, there func(*p2p.Config)
		at          func(address string) string
		want        string
	}{
		{"another swarm key", swarm("a"), swarm("b"), nil, "another swarm key"},
		{"a swarm key on one side only", nil, swarm("b"), nil, "another swarm key"},
		{"another identity", nil, nil, func(a string) string { return strings.Split(a, "/p2p/")[0] + stranger }, "another peer answers there"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // one of them waits for a handshake's end
			here, there := runNode(t, r, c.here), runNode(t, r, c.there)
			at := there.Addresses()[0]
			if c.at != nil {
				at = c.at(at)
			}
			if err := here.Connect(at); err != nil {
				t.Fatal(err)
			}
			hosttest.Eventually(t, "the reason is said", func() bool { return strings.Contains(here.log.String(), "not reached") })
			if !strings.Contains(here.log.String(), c.want) {
				t.Errorf("the log does not say %q: %s", c.want, here.log)
			}
		})
	}
}
