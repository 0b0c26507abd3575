package peers

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	libp2precord "github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
)

// acquaintance is what is known of a peer that is connected, was, or was heard of.
type acquaintance struct {
	addrs  []ma.Multiaddr
	own    int           // of addrs, the first ones: what it said itself while connected; the others are hearsay
	stayed time.Duration // connected, all in all
	seen   time.Time     // connected last
	since  time.Time     // connected since; zero while not connected
	from   string        // subnet that it was connected from last; "" in a run in which it was not
	spoke  bool          // said its status since it is connected
	near   bool          // on the local network
	asked  bool          // for by the operator: a static peer, dialled whatever slots there are, and never dropped
	dials  redial
	dial   *underway // nil: none is under way
	hurry  time.Time // when mDNS last ended its waits

	signed    *libp2precord.Envelope // what it signed about itself since it is connected
	complaint                        // of one that was asked for
	forgotten bool                   // by the user, who disconnects it: the entry goes with the last connection
}

// underway is a dial, or a search for whom a request leads to. book.mu guards it.
type underway struct {
	began    time.Time
	stranger bool
	asked    bool               // it takes no slot
	stop     context.CancelFunc // nil: it has not begun yet
	over     bool               // it was called off
}

// cancel calls u off.
func (u *underway) cancel() {
	if u.over = true; u.stop != nil {
		u.stop()
	}
}

// cancels tells how u is called off. If it is already, that happens now.
func (b *book) cancels(u *underway, stop context.CancelFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if u.stop = stop; u.over {
		stop()
	}
}

// known reports whether the peer was ever connected.
func (a *acquaintance) known() bool { return !a.since.IsZero() || !a.seen.IsZero() }

// evict drops the peer that is missed least, of those that are not connected: one that never was, while there are enough of them;
// of the most crowded subnet; shortest-lived. b.mu is held.
func (b *book) evict() {
	crowd, hearsay := make(map[string]int), 0
	for _, a := range b.peers {
		if count(crowd, a.crowds()); !a.known() {
			hearsay++
		}
	}
	var least peer.ID
	for id, a := range b.peers {
		if a.since.IsZero() && a.dial == nil && !a.asked && (least == "" || a.missedLess(b.peers[least], crowd, hearsay >= bookHearsay)) {
			least = id
		}
	}
	delete(b.peers, least)
}

// crowds names those among whom the peer may be one of too many. An address that was only heard of crowds nobody who was there.
func (a *acquaintance) crowds() []string {
	var names []string
	for _, s := range subnets(a.from, a.addrs) {
		names = append(names, fmt.Sprint(a.known(), s))
	}
	return names
}

// missedLess reports whether a is dropped before o. strangers tells whether a peer that was never connected is dropped before
// one that was, or after.
func (a *acquaintance) missedLess(o *acquaintance, crowd map[string]int, strangers bool) bool {
	if a.known() != o.known() {
		return o.known() == strangers
	}
	n, m := most(crowd, a.crowds()), most(crowd, o.crowds())
	return n > m || n == m && a.stayed < o.stayed
}

// retry is the first and the longest wait for the next dial, by why the peer is wanted.
func (a *acquaintance) retry() (first, most time.Duration) {
	switch {
	case a.asked:
		return firstRetryAsked, mostRetryAsked
	case a.known():
		return firstRetry, mostRetryKnown
	default:
		return firstRetry, mostRetryHeard
	}
}

// total is how long the peer was connected, the time since included.
func (a *acquaintance) total() time.Duration {
	if a.since.IsZero() {
		return a.stayed
	}
	return a.stayed + time.Since(a.since)
}
