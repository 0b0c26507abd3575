package p2p

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain/chaintest"
)

// TestEclipseAcrossARestart starts a node whose peers.json an attacker has filled with long-lived peers of its own, all alive, all
// in one subnet. The node still finds the honest network among them.
func TestEclipseAcrossARestart(t *testing.T) {
	r := chaintest.Rules()
	at := func(subnet, host int) func(*Config) {
		return func(c *Config) { c.Listen = []string{fmt.Sprintf("/ip4/127.0.%d.%d/tcp/0", subnet, host)} }
	}
	var file []remembered
	var honest []*testNode
	note := func(n *testNode, stayed time.Duration) {
		info, err := parsePeer(n.Addresses()[0])
		if err != nil {
			t.Fatal(err)
		}
		file = append(file, remembered{ID: n.ID(), Addrs: []string{info.Addrs[0].String()}, Stayed: int64(stayed / time.Second), Seen: 1})
	}
	for i := range 12 {
		note(runNode(t, r, at(200, i+1)), 1000*time.Hour)
	}
	for i := range 4 {
		n := runNode(t, r, at(i+1, 1))
		honest = append(honest, n)
		note(n, time.Hour)
	}
	for i := len(file); i < maxBook; i++ { // and as many that do not answer as there is room for
		key := newKey(t)
		file = append(file, remembered{ID: idOf(t, key), Addrs: []string{fmt.Sprintf("/ip4/127.0.200.%d/tcp/9", 100+i%100)}, Stayed: 1 << 30, Seen: 1})
	}
	victim := runNode(t, r, remembering(t, file...))
	eventually(t, "the honest peers are connected", func() bool {
		return !slices.ContainsFunc(honest, func(n *testNode) bool { return !victim.connectedTo(n) })
	})
	mined := chaintest.MineOn(t, honest[3].c, 1)[0]
	eventually(t, "an honest block arrives", func() bool { return victim.c.Tip().Hash == mined.Hash() })
}

// TestHearsayPushesNobodyOut lets an attacker name a thousand peers, and connect with hundreds of identities for longer than the
// honest peers did.
func TestHearsayPushesNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := openBook("")
		if err != nil {
			t.Fatal(err)
		}
		var honest []peer.ID
		for i := range 5 {
			p := bookPeer(t, fmt.Sprintf("/ip4/198.51.%d.1/tcp/15000", i))
			honest = append(honest, p.ID)
			b.came(p.ID, p.Addrs)
		}
		time.Sleep(time.Hour)
		for _, id := range honest {
			b.went(id)
		}
		for i := range 2 * maxBook {
			p := bookPeer(t, fmt.Sprintf("/ip4/192.0.2.%d/tcp/%d", i%256, 1000+i))
			b.came(p.ID, p.Addrs)
			time.Sleep(2 * time.Hour)
			b.went(p.ID)
		}
		for i := range 1000 {
			b.heard(bookPeer(t, fmt.Sprintf("/ip4/203.0.%d.%d/tcp/15000", 113+i%4, i%256)), false)
		}
		if n := len(b.peers); n > maxBook {
			t.Errorf("%d peers are held, at most %d are fine", n, maxBook)
		}
		for _, id := range honest {
			if b.peers[id] == nil {
				t.Errorf("an honest peer was pushed out")
			}
		}
		first := b.prospects()[:perSubnet+len(honest)]
		for _, id := range honest {
			if !slices.ContainsFunc(first, func(p prospect) bool { return p.ID == id }) {
				t.Errorf("an honest peer is not among the first %d to be dialled", len(first))
			}
		}
	})
}

// TestOneSubnetIsNoReasonToBeAlone dials all that there are where all are of one subnet.
func TestOneSubnetIsNoReasonToBeAlone(t *testing.T) {
	b, err := openBook("")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		b.heard(bookPeer(t, fmt.Sprintf("/ip4/192.168.1.%d/tcp/15000", i+1)), false)
	}
	if n := len(b.prospects()); n != 10 {
		t.Errorf("%d prospects, want 10", n)
	}
}
