package p2p

import (
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"kuai/chain/chaintest"
)

// blackHole returns an address that takes connections and never says a word.
func blackHole(t *testing.T) ma.Multiaddr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return ma.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", l.Addr().(*net.TCPAddr).Port))
}

// TestBlackHolesDelayNobody remembers one peer that lives, and more that hang than there are slots and dials.
func TestBlackHolesDelayNobody(t *testing.T) {
	r := chaintest.Rules()
	living := runNode(t, r, nil)
	file := []remembered{{ID: living.ID(), Addrs: []string{living.h.Addrs()[0].String()}, Stayed: 1, Seen: 1}}
	for range 2 * wantOutbound {
		file = append(file, remembered{ID: idOf(t, newKey(t)), Addrs: []string{blackHole(t).String()}, Stayed: 3600, Seen: 1})
	}
	began := time.Now()
	n := runNode(t, r, remembering(t, file[1:]...))
	eventually(t, "all slots hang", func() bool { return len(n.underWay()) >= wantOutbound })
	n.book.heard(peer.AddrInfo{ID: living.h.ID(), Addrs: living.h.Addrs()}, false)
	signal(n.d.seek)
	eventually(t, "the living peer is connected", func() bool { return n.connectedTo(living) })
	for _, u := range n.underWay() {
		if u.began.Sub(began) > dialTimeout {
			return // a slow machine: it was not connected because a dial ended
		}
	}
	if hanging := len(n.underWay()); hanging < wantOutbound {
		t.Errorf("%d dials hang still, want %d: one must have ended first", hanging, wantOutbound)
	}
}

// underWay lists n's dials.
func (n *testNode) underWay() (all []underway) {
	n.book.mu.Lock()
	defer n.book.mu.Unlock()
	for _, a := range n.book.peers {
		if a.dial != nil {
			all = append(all, *a.dial)
		}
	}
	return all
}

// TestNeighboursThatAreNoneTakeNoSlots lets a multicast name very many peers that hang, while another one is remembered.
func TestNeighboursThatAreNoneTakeNoSlots(t *testing.T) {
	r := chaintest.Rules()
	living := runNode(t, r, nil)
	n := runNode(t, r, nil)
	hole := blackHole(t)
	for range 2 * maxBook {
		n.d.hear(peer.AddrInfo{ID: peerOf(t), Addrs: []ma.Multiaddr{hole}}, true)
	}
	eventually(t, "the neighbours are dialled", func() bool { return len(n.underWay()) >= nearDials })
	n.d.hear(peer.AddrInfo{ID: living.h.ID(), Addrs: living.h.Addrs()}, false)
	eventually(t, "the living peer is connected", func() bool { return n.connectedTo(living) })
	if dials := len(n.underWay()); dials > 2*maxDials {
		t.Errorf("%d dials are under way, at most %d are fine", dials, 2*maxDials)
	}
}

// peerOf makes a peer id.
func peerOf(t *testing.T) peer.ID {
	t.Helper()
	id, err := peer.IDFromPrivateKey(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestRoomForDials begins dials of both kinds and lets them hang.
func TestRoomForDials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := openBook("")
		neighbour, other := prospect{near: true}, prospect{}
		begin := func(p prospect) (n int) {
			free, _ := b.room(wantOutbound, time.Now())
			for free.take(p) {
				n++
				b.peers[peer.ID(fmt.Sprint(len(b.peers)))] = &acquaintance{dial: &underway{time.Now(), p.stranger()}}
			}
			return n
		}
		for round, want := range [][2]int{{nearDials, wantOutbound}, {nearDials, maxDials - wantOutbound}, {nearDials, 0}, {nearDials, 0}, {0, 0}} {
			if got := [2]int{begin(neighbour), begin(other)}; got != want {
				t.Errorf("round %d: %v dials begin, want %v", round, got, want)
			}
			if got := [2]int{begin(neighbour), begin(other)}; got != [2]int{} {
				t.Errorf("round %d: %v more begin at once", round, got)
			}
			time.Sleep(slowDial)
		}
	})
}

// TestSubnetsOfUnprovenAddresses orders peers of one subnet that sign an invented address first.
func TestSubnetsOfUnprovenAddresses(t *testing.T) {
	at := func(known bool, addrs ...string) prospect {
		p := prospect{AddrInfo: peer.AddrInfo{ID: peerOf(t)}, known: known}
		for _, a := range addrs {
			p.Addrs = append(p.Addrs, ma.StringCast(a))
		}
		return p
	}
	var all []prospect
	for i := range 6 {
		all = append(all, at(false, fmt.Sprintf("/ip4/8.8.%d.1/tcp/1", i), fmt.Sprintf("/ip4/5.6.7.%d/tcp/1", i+1), "/ip4/127.0.0.1/tcp/1"))
	}
	honest := at(false, "/ip4/9.9.9.9/tcp/1", "/ip4/127.0.0.1/tcp/1")
	moved := at(true, "/ip4/5.6.7.99/tcp/1")
	moved.from = "9.9.8.0" // it says so, but it was connected from elsewhere
	all = append(all, honest, moved)
	for name, got := range map[string][]prospect{
		"spread":    spread(all, map[string]int{}),
		"takeTurns": takeTurns(append([]prospect(nil), all...), map[string]int{"5.6.7.0": 1}),
	} {
		for i, p := range got {
			if (p.ID == honest.ID || p.ID == moved.ID) && i > perSubnet+1 {
				t.Errorf("%s: an honest peer is number %d, behind those of one subnet", name, i)
			}
		}
	}
}
