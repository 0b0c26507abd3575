package peers

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
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
		if a.dial == nil {
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

// take begins the dials that slots leave room for, of peers that are wanted, and returns when to look again, zero if an event must come
// before.
func (b *book) take(slots int, now time.Time, wanted func(peer.ID) bool) (begin []prospect, again time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	free, _ := b.room(slots, now)
	for _, p := range b.all(now) {
		if a := b.peers[p.ID]; a.dial == nil && wanted(p.ID) && free.take(p) {
			a.dial = &underway{now, p.stranger()}
			begin = append(begin, p)
		}
	}
	_, again = b.room(slots, now)
	return begin, earliest(again, b.nextDue(now))
}

// ended notes the end of a dial.
func (b *book) ended(id peer.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.peers[id]; a != nil {
		a.dial = nil
	}
}

// fill begins as many dials as there are free slots, and returns when to look again, zero if an event must come before. No dial
// waits for another: one that hangs delays nobody.
func (t *Table) fill(ctx context.Context, dials *sync.WaitGroup) (again time.Time) {
	slots := t.want - t.outbound()
	if slots <= 0 || ctx.Err() != nil {
		return again
	}
	static := t.statics.infos()
	begin, again := t.book.take(slots, time.Now(), func(p peer.ID) bool {
		_, kept := static[p]
		return !kept && t.wanted(p)
	})
	for _, p := range begin {
		dials.Go(func() { t.dialOne(ctx, p) })
	}
	return again
}

// wanted reports whether p may be dialled at all.
func (t *Table) wanted(p peer.ID) bool {
	return p != t.h.ID() && !t.IsRefused(p) && t.h.Network().Connectedness(p) != network.Connected
}

// dialOne dials p, and closes the new connection again if other dials took all slots meanwhile.
func (t *Table) dialOne(ctx context.Context, p prospect) {
	t.dial(ctx, p)
	t.book.ended(p.ID)
	t.surplus.Lock()
	defer t.surplus.Unlock()
	if t.client.HasDialled(p.ID) && t.outbound() > t.want {
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
	if ctx.Err() != nil || t.h.Network().Connectedness(p.ID) == network.Connected {
		return
	}
	within, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	err := dial(within, t.h, p.AddrInfo)
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		err = errMute // until it says what it speaks
	} else {
		t.log.Debug("peer not reached", "peer", p.ID, "error", reason(err))
	}
	t.book.failed(p.ID, err)
}
