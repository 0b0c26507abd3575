package peers

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// TestHearsayPushesNobodyOut lets an attacker name a thousand peers, and connect with hundreds of identities
// for longer than the honest peers did.
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
			b.identified(p.ID, p.Addrs)
		}
		time.Sleep(time.Hour)
		for _, id := range honest {
			b.disconnected(id)
		}
		for i := range 2 * maxBook {
			p := bookPeer(t, fmt.Sprintf("/ip4/192.0.2.%d/tcp/%d", i%256, 1000+i))
			b.identified(p.ID, p.Addrs)
			time.Sleep(2 * time.Hour)
			b.disconnected(p.ID)
		}
		for i := range 1000 {
			b.addHearsay(bookPeer(t, fmt.Sprintf("/ip4/203.0.%d.%d/tcp/15000", 113+i%4, i%256)), false)
		}
		if n := len(b.peers); n > maxBook {
			t.Errorf("%d peers are held, at most %d are fine", n, maxBook)
		}
		for _, id := range honest {
			if b.peers[id] == nil {
				t.Errorf("an honest peer was pushed out")
			}
		}
		first := b.candidates()[:perSubnet+len(honest)]
		for _, id := range honest {
			if !slices.ContainsFunc(first, func(p candidate) bool { return p.ID == id }) {
				t.Errorf("an honest peer is not among the first %d to be dialled", len(first))
			}
		}
	})
}

// TestSubnetIsThatOfTheConnection lets an attacker connect from one subnet with identities that say that they
// listen in ten, for longer than an honest peer stayed: which subnet counts is proved by the connection.
func TestSubnetIsThatOfTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := openBook("")
		if err != nil {
			t.Fatal(err)
		}
		stays := func(p peer.AddrInfo, from string, stay time.Duration) {
			b.identified(p.ID, p.Addrs)
			b.setSubnet(p.ID, ma.StringCast(from))
			time.Sleep(stay)
			b.disconnected(p.ID)
		}
		for i := range 10 {
			stays(bookPeer(t, fmt.Sprintf("/ip4/198.51.%d.1/tcp/15000", i)), fmt.Sprintf("/ip4/203.0.113.%d/tcp/40000", i+1), 2*time.Hour)
		}
		honest := bookPeer(t, "/ip4/192.0.2.1/tcp/15000")
		stays(honest, "/ip4/192.0.2.1/tcp/40000", time.Hour)
		time.Sleep(time.Hour) // all may be dialled again
		first := b.candidates()[:perSubnet+1]
		if !slices.ContainsFunc(first, func(p candidate) bool { return p.ID == honest.ID }) {
			t.Errorf("the honest peer is not among the first %d to be dialled", len(first))
		}
	})
}

// TestOneSubnetIsNoReasonToBeAlone dials all peers if all are of one subnet.
func TestOneSubnetIsNoReasonToBeAlone(t *testing.T) {
	b, err := openBook("")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		b.addHearsay(bookPeer(t, fmt.Sprintf("/ip4/192.168.1.%d/tcp/15000", i+1)), false)
	}
	if n := len(b.candidates()); n != 10 {
		t.Errorf("%d prospects, want 10", n)
	}
}
