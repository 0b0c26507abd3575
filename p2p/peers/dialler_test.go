package peers

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"kuai/p2p/hosttest"
)

// TestDialBudget begins dials of both kinds and lets them hang.
func TestDialBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := openBook("")
		neighbour, other := candidate{onLAN: true}, candidate{}
		begin := func(p candidate) (n int) {
			free, _ := b.dialBudget(WantOutbound, time.Now())
			for free.take(p) {
				n++
				b.peers[peer.ID(fmt.Sprint(len(b.peers)))] = &entry{dial: &attempt{start: time.Now(), mdnsOnly: p.mdnsOnly()}}
			}
			return n
		}
		for round, want := range [][2]int{{maxMDNSDials, WantOutbound}, {maxMDNSDials, maxDials - WantOutbound}, {maxMDNSDials, 0}, {maxMDNSDials, 0}, {0, 0}} {
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
	at := func(known bool, addrs ...string) candidate {
		p := candidate{AddrInfo: peer.AddrInfo{ID: hosttest.ID(t)}, known: known}
		for _, a := range addrs {
			p.Addrs = append(p.Addrs, ma.StringCast(a))
		}
		return p
	}
	var all []candidate
	for i := range 6 {
		all = append(all, at(false, fmt.Sprintf("/ip4/8.8.%d.1/tcp/1", i), fmt.Sprintf("/ip4/5.6.7.%d/tcp/1", i+1), "/ip4/127.0.0.1/tcp/1"))
	}
	honest := at(false, "/ip4/9.9.9.9/tcp/1", "/ip4/127.0.0.1/tcp/1")
	moved := at(true, "/ip4/5.6.7.99/tcp/1")
	moved.subnet = "9.9.8.0" // it says so, but it was connected from elsewhere
	all = append(all, honest, moved)
	for name, got := range map[string][]candidate{
		"spread":    spread(all, map[string]int{}),
		"takeTurns": interleaveSubnets(append([]candidate(nil), all...), map[string]int{"5.6.7.0": 1}),
	} {
		for i, p := range got {
			if (p.ID == honest.ID || p.ID == moved.ID) && i > perSubnet+1 {
				t.Errorf("%s: an honest peer is number %d, behind those of one subnet", name, i)
			}
		}
	}
}
