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

// How long a dial may take. TCP retransmits after ever longer waits, so a handshake that began during an outage
// is given up early if the peer's round trip is known to be short: a new dial is faster.
const (
	dialTimeout    = 10 * time.Second
	dialRoundTrips = 8                       // timeout for a peer of known latency, in round trips,
	minDialTimeout = 2500 * time.Millisecond // but at least this
)

// How many peers are dialled. Peers that only multicast DNS named have a budget of their own: anyone on the
// local network can name any number of them.
const (
	WantOutbound  = 8                      // outbound peers that this node looks for
	maxMDNSDials  = 4                      // dials at once of peers that only multicast DNS named
	maxDials      = 16                     // dials in progress of each of the two kinds
	slowDial      = time.Second            // a dial that takes longer no longer counts as a slot
	mdnsJitter    = 500 * time.Millisecond // most random delay of the first dial of a new neighbour
	tieBreakDelay = 500 * time.Millisecond // the node with the larger id lets the other one dial first
)

// dialBudget is how many more dials of each kind may start.
type dialBudget struct{ mdnsOnly, others int }

// dialBudget returns how many of slots are free at now, and when a slow dial frees the next one, zero if none
// will; b.mu is held.
func (b *book) dialBudget(slots int, now time.Time) (r dialBudget, later time.Time) {
	r = dialBudget{min(slots, maxMDNSDials), slots}
	all := dialBudget{maxDials, maxDials}
	for _, e := range b.peers {
		if e.dial == nil || e.dial.static {
			continue
		}
		fresh := 0
		if slow := e.dial.start.Add(slowDial); slow.After(now) {
			fresh, later = 1, earliest(later, slow)
		}
		if e.dial.mdnsOnly {
			r.mdnsOnly, all.mdnsOnly = r.mdnsOnly-fresh, all.mdnsOnly-1
		} else {
			r.others, all.others = r.others-fresh, all.others-1
		}
	}
	return dialBudget{min(r.mdnsOnly, all.mdnsOnly), min(r.others, all.others)}, later
}

// take takes one dial of p's kind from the budget, and reports whether one was left.
func (r *dialBudget) take(p candidate) bool {
	left := &r.others
	if p.mdnsOnly() {
		left = &r.mdnsOnly
	}
	*left--
	return *left >= 0
}

// takeDue marks as in progress, and returns, the dials that are due of peers that mayDial: all static ones, and
// as many others as there are slots. It does so with the lookups that are due, and returns when to call it
// again, zero if only an event makes that necessary.
func (b *book) takeDue(slots int, now time.Time, wanted func(peer.ID) bool) (dials []candidate, searches []*request, again time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, e := range b.peers {
		if e.static && e.dial == nil && e.connectedAt.IsZero() && !now.Before(e.retry.next) && wanted(id) {
			e.dial, e.refusal = &attempt{start: now, static: true}, nil
			dials = append(dials, candidate{AddrInfo: b.info(id), static: true, known: e.known()})
		}
	}
	searches, again = b.takeDueLookups(dials, now)
	again = earliest(again, b.nextDue(now))
	if slots <= 0 {
		return dials, searches, again
	}
	free, _ := b.dialBudget(slots, now)
	for _, p := range b.candidatesAt(now) {
		if e := b.peers[p.ID]; e.dial == nil && wanted(p.ID) && free.take(p) {
			e.dial, e.refusal = &attempt{start: now, mdnsOnly: p.mdnsOnly()}, nil
			dials = append(dials, p)
		}
	}
	_, later := b.dialBudget(slots, now)
	return dials, searches, earliest(again, later)
}

// dialOf returns the dial of id that is in progress.
func (b *book) dialOf(id peer.ID) *attempt {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.peers[id]; e != nil && e.dial != nil {
		return e.dial
	}
	return &attempt{canceled: true}
}

// dialEnded records the end of a dial.
func (b *book) dialEnded(id peer.ID, u *attempt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.peers[id]; e != nil && e.dial == u {
		e.dial = nil
	}
}

// startDue starts the dials and lookups that are due, and returns when to call it again, zero if only an event
// makes that necessary. Each has a goroutine, so a dial that hangs delays no other.
func (t *Table) startDue(ctx context.Context, wg *sync.WaitGroup) (again time.Time) {
	if ctx.Err() != nil {
		return again
	}
	dials, searches, again := t.book.takeDue(t.wantOutbound-t.outbound(), time.Now(), t.mayDial)
	for _, p := range dials {
		wg.Go(func() { t.dialOne(ctx, p) })
	}
	for _, r := range searches {
		wg.Go(func() { t.resolve(ctx, r) })
	}
	return again
}

// mayDial reports whether p may be dialled at all.
func (t *Table) mayDial(p peer.ID) bool {
	return p != t.h.ID() && !t.IsRefused(p) && t.h.Network().Connectedness(p) != network.Connected
}

// isConnected reports whether p has a connection.
func (t *Table) isConnected(p peer.ID) bool {
	return t.h.Network().Connectedness(p) == network.Connected
}

// dialOne dials p. It closes the new connection again if other dials have taken all slots meanwhile.
func (t *Table) dialOne(ctx context.Context, p candidate) {
	u := t.book.dialOf(p.ID)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	t.book.setCancel(u, stop)
	t.dial(ctx, p)
	t.book.dialEnded(p.ID, u)
	t.closeSurplus(p.ID)
	signal(t.wake)
}

// closeSurplus closes the connections to p that this node opened, if p is not static and there are too many outbound
// peers.
func (t *Table) closeSurplus(p peer.ID) {
	t.closingExtra.Lock()
	defer t.closingExtra.Unlock()
	if t.book.isStatic(p) || !t.client.HasDialled(p) || t.outbound() <= t.wantOutbound {
		return
	}
	for _, c := range t.h.Network().ConnsToPeer(p) {
		if c.Stat().Direction == network.DirOutbound {
			_ = c.Close()
		}
	}
}

// dialForDHT connects to a peer that the DHT has to ask. It takes no slot: dhtHost closes the connection later.
func (t *Table) dialForDHT(ctx context.Context, info peer.AddrInfo) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return t.h.Connect(ctx, info)
}

// dial connects to p. Two neighbours find each other at the same time, so the node with the larger id waits a
// little: one connection results and not two.
func (t *Table) dial(ctx context.Context, p candidate) {
	if p.mdnsOnly() && t.h.ID() > p.ID {
		pause(ctx, tieBreakDelay)
	}
	if ctx.Err() != nil || t.isConnected(p.ID) {
		return
	}
	within, cancel := context.WithTimeout(ctx, handshakeWithin(t.h.Peerstore().LatencyEWMA(p.ID)))
	defer cancel()
	err := explained(within, p.Addrs, dial(within, t.h, p.AddrInfo))
	switch {
	case ctx.Err() != nil:
	case err == nil:
		t.delayDial(p.ID, errNoIdentify) // until it is identified
	default:
		t.dialFailed(p.ID, err)
	}
}

// dialFailed delays the next dial of p, and logs err.
func (t *Table) dialFailed(p peer.ID, err error) {
	if t.delayDial(p, err) {
		t.logDialFailure(p, err)
	}
}

// delayDial delays the next dial of p after err. It reports false if p is of another network, whose delay is longer.
func (t *Table) delayDial(p peer.ID, err error) bool {
	if t.delayForeign(p) {
		return false
	}
	t.book.dialFailed(p, err)
	return true
}

// delayForeign reports whether p is of another network, and delays its next dial if so.
func (t *Table) delayForeign(p peer.ID) bool {
	theirs, until := t.foreign(p)
	if theirs == "" {
		return false
	}
	t.book.delayUntil(p, foreignError(theirs), until)
	return true
}

// logDialFailure logs why p was not reached.
func (t *Table) logDialFailure(p peer.ID, err error) {
	t.book.mu.Lock()
	defer t.book.mu.Unlock()
	e := t.book.peers[p]
	if e == nil || !e.static {
		t.log.Debug("peer not reached", "peer", p, "error", reason(err))
		return
	}
	i := slices.IndexFunc(t.book.requests, func(r *request) bool { return r.info.ID == p })
	t.logUnreached(&e.outage, t.book.requests[i].display(), err)
}

// dial connects to a peer, regardless of the swarm's own backoff.
func dial(ctx context.Context, h host.Host, info peer.AddrInfo) error {
	if sw, ok := h.Network().(*swarm.Swarm); ok {
		sw.Backoff().Clear(info.ID)
	}
	return h.Connect(ctx, info)
}

// handshakeWithin is the timeout of a dial of a peer with this round-trip time, 0 if it is not known.
func handshakeWithin(trip time.Duration) time.Duration {
	if trip == 0 {
		return dialTimeout
	}
	return min(max(minDialTimeout, dialRoundTrips*trip), dialTimeout)
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
