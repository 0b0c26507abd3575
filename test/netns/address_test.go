//go:build linux

package netns

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"kuai/test/process"
)

// router joins a private network to l: its hosts come from address, as behind Docker's bridge or a house's router.
func (l *lan) router(t *testing.T, name, address, private string) (*space, *lan) {
	t.Helper()
	inside, r := newLAN(t, name+" inside"), newSpace(t, name)
	l.join(r, "out", address+"/24")
	inside.join(r, "in", private+".1/24")
	if err := r.do(func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) }); err != nil {
		t.Fatal(err)
	}
	r.run("iptables -t nat -A POSTROUTING -o out -j MASQUERADE")
	return r, inside
}

// behind makes a namespace in a private network, whose way out is the network's first address.
func (l *lan) behind(t *testing.T, name, private, host string) *space {
	t.Helper()
	s := newSpace(t, name)
	l.join(s, "eth0", private+"."+host+"/24")
	s.run("ip route add default via " + private + ".1")
	return s
}

// TestCrowdBehindOneAddress lets 30 nodes connect that all come from one public address.
func TestCrowdBehindOneAddress(t *testing.T) {
	const count = 30
	l := newLAN(t, "lan")
	a := l.host(t, "a", "198.18.0.1")
	a.mine()
	_, inside := l.router(t, "router", "198.18.0.9", "10.20.0")
	crowd := inside.behind(t, "crowd", "10.20.0", "2").act(t, part{Role: "crowd", To: a.multiaddr(), Count: count})
	if o := crowd.done(actTime); o.Made != count {
		t.Fatalf("%d of %d nodes behind one address have the chain: %s", o.Made, count, o.Error)
	}
	peers := a.peers()
	if len(peers) != count {
		t.Errorf("%d peers, want %d", len(peers), count)
	}
	for id, p := range peers {
		if !strings.HasPrefix(p.Address, "/ip4/198.18.0.9/") || p.Score < 0 {
			t.Errorf("peer %s is at %s, with score %v", id, p.Address, p.Score)
		}
	}
}

// TestConnectionsOfOneAddress counts how many connections one address gets at once: a public one as many as the limit, a private one
// as many as there is room for.
func TestConnectionsOfOneAddress(t *testing.T) {
	const asked, limit = 150, 64
	for _, c := range []struct {
		name, node, host string
		least, most      int
	}{
		{"public", "198.18.0.1", "198.18.0.66", limit, limit},
		{"private", "10.30.0.1", "10.30.0.66", asked, asked},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, crowd := newLAN(t, "lan"), newSpace(t, "crowd")
			a := l.host(t, "a", c.node)
			l.join(crowd, "eth0", c.host+"/24")
			o := crowd.act(t, part{Role: "secured", To: a.multiaddr(), Count: asked}).done(actTime)
			if o.Made < c.least {
				t.Errorf("%d connections made, want %d: %s", o.Made, c.least, o.Error)
			}
			if n := len(a.peers()); n > c.most {
				t.Errorf("%d connections at once, at most %d expected", n, c.most)
			}
		})
	}
}

// TestAnnounce joins two nodes that are each behind a router which leads one port to them. They announce the routers' addresses, know
// a public node by its URL, and find each other through it.
func TestAnnounce(t *testing.T) {
	l := newLAN(t, "lan")
	public := l.host(t, "public", "198.18.0.1", "--http-host", "0.0.0.0", "--insecure-api")
	nodes := []*node{public}
	for i, name := range []string{"left", "right"} {
		outside, private := fmt.Sprintf("198.18.0.%d", 11+i), fmt.Sprintf("10.4%d.0", i)
		router, inside := l.router(t, name+" router", outside, private)
		router.run(fmt.Sprintf("iptables -t nat -A PREROUTING -i out -p tcp --dport 4001 -j DNAT --to-destination %s.2:%d", private, peerPort))
		n := newNode(t, inside.behind(t, name, private, "2"), outside)
		n.begin("--announce", fmt.Sprintf("/ip4/%s/tcp/4001", outside), "--peer", fmt.Sprintf("http://198.18.0.1:%d", apiPort))
		nodes = append(nodes, n)
	}
	process.Eventually(t, "each has the two others as peers", settle, func() error {
		for _, n := range nodes {
			if got := len(n.peers()); got != 2 {
				return fmt.Errorf("%s has %d", n.at.name, got)
			}
		}
		return nil
	})
	public.Stop()
	left, right := nodes[1], nodes[2]
	agreed(t, left.mine(), left, right)
	agreed(t, right.mine(), left, right)
	for _, n := range nodes[1:] {
		for _, p := range n.peers() {
			if !strings.HasPrefix(p.Address, "/ip4/198.18.0.1") {
				t.Errorf("%s has a peer at %s", n.at.name, p.Address)
			}
		}
	}
}
