package peers

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// How long a dial may take. A handshake sends what was lost again after ever longer waits, so one that began while the way was cut is given
// up soon if the peer is known to be near: a new one is faster.
const (
	dialTimeout = 10 * time.Second
	dialTrips   = 8                       // round trips that the handshake with a peer takes at most that was connected before,
	dialLeast   = 2500 * time.Millisecond // and in any case
)

// How many peers are dialled. Neighbours that only a multicast told of have dials of their own: anyone on the local network can
// name any number of them.
const (
	WantOutbound = 8                      // peers that this node chose itself
	nearDials    = 4                      // dials of strangers near by that take a slot at once
	maxDials     = 16                     // dials under way of each of the two kinds
	slowDial     = time.Second            // a dial that takes longer takes no slot any more
	spreadFor    = 500 * time.Millisecond // a neighbour that is new waits up to so long for its first dial
	yield        = 500 * time.Millisecond // the larger id waits so long for the smaller one's dial
)

// room is how many more dials of each kind may begin.
type room struct{ strangers, others int }

// room counts what is free of slots at now, and returns when a slow dial frees another one, zero if none will; b.mu is held.
func (b *book) room(slots int, now time.Time) (r room, later time.Time) {
	r = room{min(slots, nearDials), slots}
	all := room{maxDials, maxDials}
	for _, a := range b.peers {
		if a.dial == nil || a.dial.asked {
			continue
		}
		fresh := 0
		if slow := a.dial.began.Add(slowDial); slow.After(now) {
			fresh, later = 1, earliest(later, slow)
		}
		if a.dial.stranger {
			r.strangers, all.strangers = r.strangers-fresh, all.strangers-1
		} else {
			r.others, all.others = r.others-fresh, all.others-1
		}
	}
	return room{min(r.strangers, all.strangers), min(r.others, all.others)}, later
}

// take takes room for p, if there is some.
func (r *room) take(p prospect) bool {
	left := &r.others
	if p.stranger() {
		left = &r.strangers
	}
	*left--
	return *left >= 0
}

// take begins the dials that are due of peers that are wanted: of all that were asked for, and of as many others as slots leave room for. It
// begins the searches that are due as well, and returns when to look again, zero if an event must come before.
func (b *book) take(slots int, now time.Time, wanted func(peer.ID) bool) (dials []prospect, searches []*request, again time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, a := range b.peers {
		if a.asked && a.dial == nil && a.since.IsZero() && !now.Before(a.dials.next) && wanted(id) {
			a.dial = &underway{began: now, asked: true}
			dials = append(dials, prospect{AddrInfo: b.info(id), asked: true, known: a.known()})
		}
	}
	searches, again = b.searches(dials, now)
	again = earliest(again, b.nextDue(now))
	if slots <= 0 {
		return dials, searches, again
	}
	free, _ := b.room(slots, now)
	for _, p := range b.all(now) {
		if a := b.peers[p.ID]; a.dial == nil && wanted(p.ID) && free.take(p) {
			a.dial = &underway{began: now, stranger: p.stranger()}
			dials = append(dials, p)
		}
	}
	_, later := b.room(slots, now)
	return dials, searches, earliest(again, later)
}

// dialOf returns the dial of id that is under way.
func (b *book) dialOf(id peer.ID) *underway {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.peers[id]; a != nil && a.dial != nil {
		return a.dial
	}
	return &underway{over: true} // it was called off
}

// ended notes the end of a dial.
func (b *book) ended(id peer.ID, u *underway) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.peers[id]; a != nil && a.dial == u {
		a.dial = nil
	}
}

// fill begins the dials and searches that are due, and returns when to look again, zero if an event must come before. No dial waits for
// another: one that hangs delays nobody.
func (t *Table) fill(ctx context.Context, wg *sync.WaitGroup) (again time.Time) {
	if ctx.Err() != nil {
		return again
	}
	dials, searches, again := t.book.take(t.want-t.outbound(), time.Now(), t.wanted)
	for _, p := range dials {
		wg.Go(func() { t.dialOne(ctx, p) })
	}
	for _, r := range searches {
		wg.Go(func() { t.find(ctx, r) })
	}
	return again
}

// wanted reports whether p may be dialled at all.
func (t *Table) wanted(p peer.ID) bool {
	return p != t.h.ID() && !t.IsRefused(p) && t.h.Network().Connectedness(p) != network.Connected
}

// isConnected reports whether p has a connection.
func (t *Table) isConnected(p peer.ID) bool {
	return t.h.Network().Connectedness(p) == network.Connected
}

// dialOne dials p, and closes the new connection again if p was not asked for and other dials took all slots meanwhile.
func (t *Table) dialOne(ctx context.Context, p prospect) {
	u := t.book.dialOf(p.ID)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	t.book.cancels(u, stop)
	t.dial(ctx, p)
	t.book.ended(p.ID, u)
	t.surplus.Lock()
	defer t.surplus.Unlock()
	if !p.asked && t.client.HasDialled(p.ID) && t.outbound() > t.want {
		for _, c := range t.h.Network().ConnsToPeer(p.ID) {
			if c.Stat().Direction == network.DirOutbound {
				_ = c.Close()
			}
		}
	}
	signal(t.seek)
}

// dial connects to p. Two neighbours find each other at the same moment: the one with the larger id waits a little, so
// that one connection results and not two.
func (t *Table) dial(ctx context.Context, p prospect) {
	if p.stranger() && t.h.ID() > p.ID {
		pause(ctx, yield)
	}
	if ctx.Err() != nil || t.isConnected(p.ID) {
		return
	}
	within, cancel := context.WithTimeout(ctx, handshakeWithin(t.h.Peerstore().LatencyEWMA(p.ID)))
	defer cancel()
	err := dial(within, t.h, p.AddrInfo)
	switch {
	case ctx.Err() != nil:
	case err == nil:
		t.noteFailure(p.ID, errMute) // until it says what it speaks
	default:
		t.notReached(p.ID, err)
	}
}

// notReached draws the consequences of a dial that failed with err.
func (t *Table) notReached(p peer.ID, err error) {
	if t.noteFailure(p, err) {
		t.tell(p, err)
	}
}

// noteFailure delays the next dial of p. It reports false if p is of another network: then there is a reason that will not change soon.
func (t *Table) noteFailure(p peer.ID, err error) bool {
	if t.rests(p) {
		return false
	}
	t.book.failed(p, err)
	return true
}

// rests reports whether p is of another network, and lets it rest for as long as it is left alone.
func (t *Table) rests(p peer.ID) bool {
	theirs, until := t.foreign(p)
	if theirs == "" {
		return false
	}
	t.book.rests(p, foreignError(theirs), until)
	return true
}

// tell says why p was not reached.
func (t *Table) tell(p peer.ID, err error) {
	t.book.mu.Lock()
	defer t.book.mu.Unlock()
	a := t.book.peers[p]
	if a == nil || !a.asked {
		t.log.Debug("peer not reached", "peer", p, "error", reason(err))
		return
	}
	i := slices.IndexFunc(t.book.asked, func(r *request) bool { return r.info.ID == p })
	t.complain(&a.complaint, t.book.asked[i].shown(), err)
}

// dial connects on purpose: what the swarm remembers of failures does not count.
func dial(ctx context.Context, h host.Host, info peer.AddrInfo) error {
	if sw, ok := h.Network().(*swarm.Swarm); ok {
		sw.Backoff().Clear(info.ID)
	}
	return h.Connect(ctx, info)
}

// handshakeWithin is how long a dial may take of a peer that is a round trip away, 0 where that is not known.
func handshakeWithin(trip time.Duration) time.Duration {
	if trip == 0 {
		return dialTimeout
	}
	return min(max(dialLeast, dialTrips*trip), dialTimeout)
}

// pause waits for d or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
