package peers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	libp2precord "github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
)

// entry is what the book knows of one peer.
type entry struct {
	addrs       []ma.Multiaddr
	ownAddrs    int           // how many of addrs, at the front, the peer itself announced while connected; the rest are hearsay
	connected   time.Duration // time connected in all earlier connections
	lastSeen    time.Time     // end of the last connection
	connectedAt time.Time     // zero while not connected
	subnet      string        // of the last connection in this run; "" if there was none
	hasStatus   bool          // sent its status since it connected
	onLAN       bool          // found by multicast DNS, or on this machine
	static      bool          // a static peer: dialled without a slot, never evicted
	retry       retry
	refusal     error     // what it said when it closed the connection of the last dial; nil if it did not
	dial        *attempt  // nil if none is in progress
	mdnsReset   time.Time // when multicast DNS last ended its wait for a dial

	record    *libp2precord.Envelope // its signed peer record, while connected
	outage                           // of a static peer
	forgotten bool                   // by the user: the entry is deleted with the last connection
}

// attempt is a dial or the lookup of a request in progress. book.mu guards it.
type attempt struct {
	start      time.Time
	mdnsOnly   bool
	static     bool               // it takes no outbound slot
	cancelFunc context.CancelFunc // nil until the goroutine runs
	canceled   bool
}

// cancel ends u, also if its goroutine does not run yet.
func (u *attempt) cancel() {
	if u.canceled = true; u.cancelFunc != nil {
		u.cancelFunc()
	}
}

// setCancel sets how to cancel u, and calls stop at once if u is canceled already.
func (b *book) setCancel(u *attempt, stop context.CancelFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if u.cancelFunc = stop; u.canceled {
		stop()
	}
}

// orRefusal returns why the peer closed the connection of the last dial, if it said so, in place of the absence
// of a word from it.
func (e *entry) orRefusal(err error) error {
	if e.refusal != nil && (errors.Is(err, errNoIdentify) || errors.Is(err, errNoStatus)) {
		return e.refusal
	}
	e.refusal = nil
	return err
}

// known reports whether the peer was ever connected.
func (e *entry) known() bool { return !e.connectedAt.IsZero() || !e.lastSeen.IsZero() }

// evict deletes the least valuable peer that is neither connected nor static: one that never was connected,
// while there are bookHearsay of them or more; then one of the subnet with the most peers; then the one with
// the shortest time connected. b.mu is held.
func (b *book) evict() {
	counts, hearsay := make(map[string]int), 0
	for _, e := range b.peers {
		if addCounts(counts, e.subnetKeys()); !e.known() {
			hearsay++
		}
	}
	var least peer.ID
	for id, e := range b.peers {
		if e.connectedAt.IsZero() && e.dial == nil && !e.static && (least == "" || e.evictBefore(b.peers[least], counts, hearsay >= bookHearsay)) {
			least = id
		}
	}
	delete(b.peers, least)
}

// subnetKeys returns the peer's subnets, hearsay and proven ones apart: a hearsay address never displaces a proven one.
func (e *entry) subnetKeys() []string {
	var names []string
	for _, s := range subnets(e.subnet, e.addrs) {
		names = append(names, fmt.Sprint(e.known(), s))
	}
	return names
}

// evictBefore reports whether e is evicted before o. hearsayFirst reports whether peers that were never
// connected are evicted before those that were, or after.
func (e *entry) evictBefore(o *entry, counts map[string]int, hearsayFirst bool) bool {
	if e.known() != o.known() {
		return o.known() == hearsayFirst
	}
	n, m := maxCount(counts, e.subnetKeys()), maxCount(counts, o.subnetKeys())
	return n > m || n == m && e.connected < o.connected
}

// retryBounds returns the first and the longest wait between dials, by what kind of peer it is.
func (e *entry) retryBounds() (first, most time.Duration) {
	switch {
	case e.static:
		return firstRetryStatic, maxRetryStatic
	case e.known():
		return firstRetry, maxRetryKnown
	default:
		return firstRetry, maxRetryHeard
	}
}

// totalConnected is how long the peer was connected, the current connection included.
func (e *entry) totalConnected() time.Duration {
	if e.connectedAt.IsZero() {
		return e.connected
	}
	return e.connected + time.Since(e.connectedAt)
}
