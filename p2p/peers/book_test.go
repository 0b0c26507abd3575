package peers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"

	"kuai/p2p/hosttest"
)

func bookPeer(t *testing.T, at string) peer.AddrInfo {
	t.Helper()
	key := hosttest.Key(t)
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return peer.AddrInfo{ID: id, Addrs: []ma.Multiaddr{ma.StringCast(at)}}
}

func TestBookRemembersTheLongestLivedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		b, err := openBook(dir)
		if err != nil {
			t.Fatal(err)
		}
		var all []peer.AddrInfo
		for i := range 6 {
			p := bookPeer(t, fmt.Sprintf("/ip4/192.0.2.%d/tcp/15000", i+1))
			all = append(all, p)
			if i == 5 {
				b.addHearsay(p, false) // never connected
				continue
			}
			if !b.identified(p.ID, p.Addrs) || b.identified(p.ID, p.Addrs) {
				t.Error("a peer is news once")
			}
			time.Sleep(time.Duration(1+i%3) * time.Hour)
			b.disconnected(p.ID)
		}
		if err := b.save(); err != nil {
			t.Fatal(err)
		}

		again, err := openBook(dir)
		if err != nil {
			t.Fatal(err)
		}
		got := again.candidates()
		if len(got) != 5 {
			t.Fatalf("%d peers are remembered, want the 5 that were connected", len(got))
		}
		if got[0].ID != all[2].ID || got[0].Addrs[0].String() != "/ip4/192.0.2.3/tcp/15000" {
			t.Errorf("first is %v, want the one that stayed three hours", got[0])
		}
	})
}

// waits checks that the book's only peer is dialled again not before the least wait, and after the most.
func waits(t *testing.T, b *book, least, most time.Duration) {
	t.Helper()
	if time.Sleep(least - time.Nanosecond); len(b.candidates()) != 0 {
		t.Errorf("dialled again before %v", least)
	}
	if time.Sleep(most - least + time.Nanosecond); len(b.candidates()) != 1 {
		t.Errorf("not dialled again after %v", most)
	}
}

var errRefused = errors.New("connection refused")

func TestBookWaitsAfterAFailedDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := openBook("")
		p := bookPeer(t, "/ip4/192.0.2.1/tcp/15000")
		b.addHearsay(p, false)
		grows := func(most time.Duration) {
			for wait := firstRetry; ; wait += wait / 4 * 3 {
				b.dialFailed(p.ID, errRefused)
				waits(t, b, min(wait, most)/2, min(wait, most))
				if wait > 2*most {
					return
				}
			}
		}
		grows(maxRetryHeard)
		b.identified(p.ID, p.Addrs)
		b.statusReceived(p.ID)
		b.disconnected(p.ID)
		waits(t, b, firstRetry/2, firstRetry)
		grows(maxRetryKnown)
		b.addHearsay(p, true)
		if len(b.candidates()) != 1 {
			t.Error("a neighbour that is heard again is not dialled at once")
		}
		grows(maxRetryKnown)
		b.resetRetries()
		if len(b.candidates()) != 1 {
			t.Error("a peer is not dialled at once after this node's addresses changed")
		}
	})
}

// TestBookCountsOnlyWhatThePeerDid fails dials for reasons of this node's own.
func TestBookCountsOnlyWhatThePeerDid(t *testing.T) {
	ma1, ma2 := ma.StringCast("/ip4/192.0.2.1/tcp/1"), ma.StringCast("/ip4/192.0.2.2/tcp/1")
	dialled := func(causes ...error) error {
		e := &swarm.DialError{Cause: swarm.ErrAllDialsFailed}
		for i, c := range causes {
			e.DialErrors = append(e.DialErrors, swarm.TransportError{Address: []ma.Multiaddr{ma1, ma2}[i], Cause: c})
		}
		return fmt.Errorf("failed to dial: %w", e)
	}
	down := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}
	for _, c := range []struct {
		name   string
		err    error
		counts bool
	}{
		{"refused", dialled(errRefused), true},
		{"in no time", context.DeadlineExceeded, true},
		{"no network", dialled(down, down), false},
		{"no network of one kind", dialled(down, errRefused), true},
		{"called off", context.Canceled, false},
		{"a limit", dialled(network.ErrResourceLimitExceeded), false},
		{"the gater", &swarm.DialError{Cause: swarm.ErrGaterDisallowedConnection}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			b, _ := openBook("")
			p := bookPeer(t, "/ip4/192.0.2.1/tcp/15000")
			b.addHearsay(p, false)
			for range 5 {
				b.dialFailed(p.ID, c.err)
			}
			time.Sleep(firstRetry)
			if again := len(b.candidates()) == 1; again == c.counts {
				t.Errorf("%s: dialled again after the first wait: %t", c.name, again)
			}
		})
	}
}

// TestBookWaitsForAPeerThatCloses lets a peer stay for a moment each time. The loser of a race of dials, which
// nobody identified, is not held against it.
func TestBookWaitsForAPeerThatCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := openBook("")
		p := bookPeer(t, "/ip4/192.0.2.1/tcp/15000")
		b.addHearsay(p, false)
		b.disconnected(p.ID)
		if len(b.candidates()) != 1 {
			t.Error("a peer that was not identified waits")
		}
		for wait := firstRetry; wait < maxRetryKnown; wait += wait / 4 * 3 {
			b.identified(p.ID, p.Addrs)
			b.disconnected(p.ID)
			waits(t, b, wait/2, wait)
		}
	})
}

func TestBookIsBounded(t *testing.T) {
	b, _ := openBook("")
	friend := bookPeer(t, "/ip4/192.0.2.1/tcp/15000")
	b.identified(friend.ID, friend.Addrs)
	for i := range 3 * maxBook {
		b.addHearsay(peer.AddrInfo{ID: peer.ID(fmt.Sprint(i)), Addrs: friend.Addrs}, false)
	}
	if n := len(b.peers); n != maxBook {
		t.Errorf("%d peers are held, want %d", n, maxBook)
	}
	if b.peers[friend.ID] == nil {
		t.Error("a connected peer was pushed out by hearsay")
	}
}

// TestHearsayLeavesASharedSubnet names peers that were never dialled, each in a subnet of its own, to a node
// whose known peers share one.
func TestHearsayLeavesASharedSubnet(t *testing.T) {
	b, _ := openBook("")
	var friends []peer.ID
	for i := range 20 {
		friends = append(friends, addKnown(t, b, fmt.Sprintf("/ip4/192.168.1.%d/tcp/15000", i+1)))
	}
	for i := range 2 * maxBook {
		b.addHearsay(bookPeer(t, fmt.Sprintf("/ip4/203.%d.%d.1/tcp/15000", i/256, i%256)), false)
	}
	if n := len(b.peers); n != maxBook {
		t.Errorf("%d peers are held, want %d", n, maxBook)
	}
	if left := inBook(b, friends); left != len(friends) {
		t.Errorf("%d of %d that were connected are left", left, len(friends))
	}
}

// TestHearsayKeepsAShareOfAFullBook names peers to a node whose book is full of others that were connected, all
// of one subnet.
func TestHearsayKeepsAShareOfAFullBook(t *testing.T) {
	b, _ := openBook("")
	var crowd, named []peer.ID
	for i := range maxBook {
		crowd = append(crowd, addKnown(t, b, fmt.Sprintf("/ip4/192.0.2.1/tcp/%d", 1000+i)))
	}
	for i := range bookHearsay {
		p := bookPeer(t, fmt.Sprintf("/ip4/198.51.%d.1/tcp/15000", i))
		named = append(named, p.ID)
		b.addHearsay(p, false)
	}
	if left := inBook(b, named); left != len(named) {
		t.Errorf("%d of %d that were heard of are held", left, len(named))
	}
	for i := range maxBook {
		b.addHearsay(bookPeer(t, fmt.Sprintf("/ip4/203.0.%d.1/tcp/15000", i)), false)
	}
	if left := inBook(b, crowd); left != maxBook-bookHearsay {
		t.Errorf("%d that were connected are left, want %d", left, maxBook-bookHearsay)
	}
}

// addKnown makes a peer that was connected.
func addKnown(t *testing.T, b *book, at string) peer.ID {
	t.Helper()
	p := bookPeer(t, at)
	b.identified(p.ID, p.Addrs)
	b.disconnected(p.ID)
	return p.ID
}

// inBook counts those of ids that the book has.
func inBook(b *book, ids []peer.ID) (count int) {
	for _, id := range ids {
		if b.peers[id] != nil {
			count++
		}
	}
	return count
}

// TestHearsayHidesNoProvenAddress names made-up addresses of a peer that is connected. Its own stay first, in
// the file too, and what is heard last finds room behind them.
func TestHearsayHidesNoProvenAddress(t *testing.T) {
	dir := t.TempDir()
	b, _ := openBook(dir)
	p := bookPeer(t, "/ip4/192.0.2.1/tcp/15000")
	b.addHearsay(peer.AddrInfo{ID: p.ID, Addrs: []ma.Multiaddr{ma.StringCast("/ip4/198.51.100.1/tcp/1")}}, false)
	b.identified(p.ID, append(p.Addrs, p.Addrs...)) // said twice
	for i := range 3 * maxBookAddrs {
		for _, near := range []bool{false, true} {
			b.addHearsay(peer.AddrInfo{ID: p.ID, Addrs: []ma.Multiaddr{ma.StringCast(fmt.Sprintf("/ip4/203.0.113.%d/tcp/15000", i))}}, near)
		}
	}
	moved := ma.StringCast("/ip4/192.0.2.9/tcp/15000")
	b.addHearsay(peer.AddrInfo{ID: p.ID, Addrs: []ma.Multiaddr{moved}}, false)
	got := b.addresses(p.ID)
	if len(got) != maxBookAddrs || !got[0].Equal(p.Addrs[0]) || !got[1].Equal(moved) {
		t.Errorf("the peer is at %v, want %d: its own, what was heard last, others", got, maxBookAddrs)
	}
	if err := b.save(); err != nil {
		t.Fatal(err)
	}
	again, err := openBook(dir)
	if err != nil {
		t.Fatal(err)
	}
	if kept := again.addresses(p.ID); len(kept) != 1 || !kept[0].Equal(p.Addrs[0]) {
		t.Errorf("%v are remembered, want %v", kept, p.Addrs)
	}
	again.addHearsay(peer.AddrInfo{ID: p.ID, Addrs: got[2:]}, false)
	if kept := again.addresses(p.ID); !kept[0].Equal(p.Addrs[0]) {
		t.Errorf("after a restart the peer is at %v first, want %v", kept[0], p.Addrs[0])
	}
}

func TestDamagedBookIsNotFatal(t *testing.T) {
	dir := t.TempDir()
	for _, raw := range []string{"", "rubbish", `{"a": 1}`, `[{"id": "x"}]`} {
		if err := os.WriteFile(filepath.Join(dir, "peers.json"), []byte(raw), 0o600); err != nil {
			t.Fatal(err)
		}
		b, _ := openBook(dir)
		if b == nil || len(b.candidates()) != 0 {
			t.Errorf("%q: got %+v", raw, b)
		}
	}
}

// TestListLeavesOutWhatNobodyCanDial, as a browser that has left.
func TestListLeavesOutWhatNobodyCanDial(t *testing.T) {
	b, err := openBook("")
	if err != nil {
		t.Fatal(err)
	}
	browser, node := hosttest.ID(t), bookPeer(t, "/ip4/192.0.2.1/tcp/1")
	for id, addrs := range map[peer.ID][]ma.Multiaddr{browser: nil, node.ID: node.Addrs} {
		b.identified(id, addrs)
		b.statusReceived(id)
		b.disconnected(id)
	}
	if all := b.list(); len(all) != 1 || all[0].ID != node.ID.String() {
		t.Errorf("%+v", all)
	}
}

// TestStateSaysThatADialIsUnderWay, in place of when the next one is.
func TestStateSaysThatADialIsUnderWay(t *testing.T) {
	r, now := retry{}, &attempt{}
	for _, want := range []string{"not connected, trying now", "unreachable, trying now: it closed the connection before it said its status"} {
		var p Peer
		r.describe(&p)
		if now.describe(&p); p.State != want {
			t.Errorf("%q, want %q", p.State, want)
		}
		r.setError(errNoStatus)
	}
}
