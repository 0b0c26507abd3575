package peers

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kuai/p2p/hosttest"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// TestHandshakeWithin: who is known to be near gets less time, who is far enough of it, and of who is unknown
// nothing is assumed.
func TestHandshakeWithin(t *testing.T) {
	for trip, want := range map[time.Duration]time.Duration{
		0:                      dialTimeout,
		time.Millisecond:       minDialTimeout,
		500 * time.Millisecond: 4 * time.Second,
		2 * time.Second:        dialTimeout,
	} {
		if got := handshakeWithin(trip); got != want {
			t.Errorf("%v for a round trip of %v, want %v", got, trip, want)
		}
	}
}

// TestStaticPeerIsAWarningOnceItLasts fails to reach a peer as long as neighbours take that start together, and longer.
func TestStaticPeerIsAWarningOnceItLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &hosttest.Log{}
		c, tb := &outage{}, &Table{log: log.Logger()}
		warnings := func() int { return strings.Count(log.String(), "level=WARN") }
		for began := time.Now(); time.Since(began) < warnAfter; time.Sleep(maxRetryStatic) {
			tb.logUnreached(c, "it", errRefused)
		}
		if warnings() != 0 {
			t.Errorf("a warning at once: %s", log)
		}
		for range 20 {
			tb.logUnreached(c, "it", errRefused)
		}
		if warnings() != 1 {
			t.Errorf("%d warnings, want 1", warnings())
		}
		*c = outage{} // it said its status
		tb.logUnreached(c, "it", errRefused)
		if warnings() != 1 {
			t.Errorf("a warning at the first failure after a success: %s", log)
		}
	})
}

// TestWaitsOfAPeerThatWasAskedFor lets a peer be heard of, then asked for, then be an ordinary one again.
func TestWaitsOfAPeerThatWasAskedFor(t *testing.T) {
	b, _ := openBook("")
	p := bookPeer(t, "/ip4/192.0.2.1/tcp/15000")
	wait := func() time.Duration {
		for range 20 {
			b.dialFailed(p.ID, errRefused)
		}
		return time.Until(b.peers[p.ID].retry.next)
	}
	b.addHearsay(p, false)
	if w := wait(); w <= maxRetryKnown {
		t.Errorf("heard of: waits %v", w)
	}
	hangs := &attempt{}
	b.peers[p.ID].dial = hangs
	r := &request{userAddress: userAddress{address: p.ID.String(), info: p}}
	if err := b.addOrRetry(r); err != nil {
		t.Fatal(err)
	}
	if !hangs.canceled {
		t.Error("a dial from before, perhaps of another address, is not called off")
	}
	b.dialEnded(p.ID, hangs)
	if dials, _, _ := b.takeDue(0, time.Now(), func(peer.ID) bool { return true }); len(dials) != 1 || !dials[0].static {
		t.Errorf("asked for, it is not dialled at once without a slot: %v", dials)
	}
	if w := wait(); w > maxRetryStatic || w < maxRetryStatic/4 {
		t.Errorf("asked for: waits %v", w)
	}
	u := b.peers[p.ID].dial
	b.removeRequests(func(*request) bool { return true })
	if !u.canceled {
		t.Error("its dial is not called off")
	}
	if w := wait(); w <= maxRetryKnown {
		t.Errorf("no longer asked for: waits %v", w)
	}
}

// TestPeersAskedForAreNotCounted asks for very many peers: the book has room for others, and keeps all that
// were asked for.
func TestPeersAskedForAreNotCounted(t *testing.T) {
	b, _ := openBook("")
	friend := addKnown(t, b, "/ip4/198.51.100.1/tcp/15000")
	for i := range maxAsked {
		p := peer.AddrInfo{ID: peer.ID(fmt.Sprint("asked", i)), Addrs: []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.1/tcp/15000")}}
		if err := b.addOrRetry(&request{userAddress: userAddress{address: p.ID.String(), info: p}}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2 * maxBook {
		b.addHearsay(peer.AddrInfo{ID: peer.ID(fmt.Sprint("heard", i)), Addrs: []ma.Multiaddr{ma.StringCast("/ip4/203.0.113.1/tcp/15000")}}, false)
	}
	if len(b.peers) != maxAsked+maxBook || b.countOrdinary() != maxBook || b.peers[friend] == nil {
		t.Errorf("%d peers, %d of them were not asked for", len(b.peers), b.countOrdinary())
	}
	if err := b.addOrRetry(&request{userAddress: userAddress{address: "one more"}}); err == nil {
		t.Error("one request more is kept")
	}
	b.removeRequests(func(*request) bool { return true })
	if len(b.requests) != 0 || len(b.peers) > maxBook {
		t.Errorf("%d peers are left", len(b.peers))
	}
}

// TestAURLMovesToAnotherPeer: the peer that it led to becomes an ordinary one, and its successor is dialled at once.
func TestAURLMovesToAnotherPeer(t *testing.T) {
	synctest.Test(t, testAURLMoves)
}

func testAURLMoves(t *testing.T) {
	b, _ := openBook("")
	static := make(map[peer.ID]bool)
	b.staticChanged = func(id peer.ID, kept bool) { static[id] = kept }
	first, second := bookPeer(t, "/ip4/192.0.2.1/tcp/15000"), bookPeer(t, "/ip4/192.0.2.2/tcp/15000")
	r := &request{userAddress: userAddress{address: "192.0.2.1:5000", url: "http://192.0.2.1:5000"}}
	if err := b.addOrRetry(r); err != nil {
		t.Fatal(err)
	}
	all := func(peer.ID) bool { return true }
	if dials, searches, _ := b.takeDue(0, time.Now(), all); len(dials) != 0 || len(searches) != 1 {
		t.Errorf("%v and %v begin, want one search", dials, searches)
	}
	for _, info := range []peer.AddrInfo{first, second} {
		r.lookup = nil
		(&Table{book: b, log: slog.New(slog.DiscardHandler)}).applyResult(r, urlResult{kind: Kuai, info: info})
		if dials, searches, _ := b.takeDue(0, time.Now(), func(peer.ID) bool { return false }); len(dials)+len(searches) != 0 {
			t.Errorf("%v and %v begin at once", dials, searches)
		}
		time.Sleep(firstRetry)
		if dials, searches, _ := b.takeDue(0, time.Now(), all); len(dials) != 1 || dials[0].ID != info.ID || len(searches) != 1 || !static[info.ID] {
			t.Errorf("%v and %v begin, want a dial of %v and its search", dials, searches, info)
		}
	}
	if static[first.ID] || b.peers[first.ID] != nil {
		t.Error("the first is a static peer still")
	}
}
