package peers

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// How a static peer is dialled. A handshake sends what was lost again after ever longer waits, so one that began while the way was cut
// is given up soon if the peer is known to be near: a new one is faster.
const (
	dialTimeout = 10 * time.Second
	dialTrips   = 8                       // round trips that the handshake with a peer takes at most that was connected before,
	dialLeast   = 2500 * time.Millisecond // and in any case

	lasting = 10 * time.Second // a static peer that was not reached for so long is worth a warning: neighbours start together
)

// step begins the dials that are due, and returns when to look again, zero if an event must come before. done is called at the end of
// each dial.
func (t *statics) step(ctx context.Context, dials *sync.WaitGroup, done func()) (again time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.list {
		switch due := t.due(s, time.Now()); {
		case s.stop != nil || s.up || t.f.cuts(s.info.ID):
		case due:
			dialling, stop := context.WithCancel(ctx)
			s.stop = stop
			dials.Go(func() {
				defer done()
				defer stop()
				t.dial(dialling, s)
			})
		default:
			again = earliest(again, s.dials.next)
		}
	}
	return again
}

// due notes whether s came or went, and reports whether its time has come; statics.mu is held.
func (t *statics) due(s *static, now time.Time) bool {
	up := s.info.ID != "" && t.h.Network().Connectedness(s.info.ID) == network.Connected
	switch {
	case s.stop != nil:
		return false
	case up && !s.up:
		t.protect(s)
	case !up && s.up && s.spoke:
		t.settle(s, nil)
	case !up && s.up:
		t.settle(s, errLeft)
	}
	s.up, s.spoke = up, s.spoke && up
	return !up && !now.Before(s.dials.next)
}

// dial connects to s, and draws the consequences of a failure.
func (t *statics) dial(ctx context.Context, s *static) {
	err := t.reach(ctx, s)
	t.mu.Lock()
	s.stop = nil
	switch {
	case ctx.Err() != nil || errors.Is(err, errSelf):
	case err == nil:
		s.up = true // should it have gone by now, it is settled at the next step
	default:
		t.settle(s, err)
	}
	t.mu.Unlock()
	if errors.Is(err, errSelf) {
		t.remove(func(o *static) bool { return o == s }) // one node may be named in very many ways
		t.log.Debug("static peer is this node", "peer", s.key)
	}
}

// settle draws the consequences of a dial that failed with err, or of a connection's end; statics.mu is held.
func (t *statics) settle(s *static, err error) {
	if err == nil {
		s.dials, s.since, s.told = redial{}, time.Time{}, false
		s.dials.rest(firstRetryStatic, mostRetryStatic)
		return
	}
	switch theirs, until := t.f.foreign(s.info.ID); {
	case theirs != "":
		s.dials.failed(firstRetryStatic, mostRetryStatic, foreignError(theirs))
		s.dials.next = until
	case errors.Is(err, errTwin):
		s.dials.failed(firstRetryStatic, mostRetryStatic, err)
		s.dials.next = time.Now().Add(twinEvery)
	default:
		s.dials.failed(firstRetryStatic, mostRetryStatic, err)
		t.tell(s, err)
	}
}

// tell says why s was not reached, and what that may mean: as a warning once, as soon as it has lasted or somebody must act.
// statics.mu is held.
func (t *statics) tell(s *static, err error) {
	if s.since.IsZero() {
		s.since = time.Now()
	}
	attrs := []any{"peer", s.key, "error", reason(err)}
	what := hint(err)
	if what != "" {
		attrs = append(attrs, "hint", what)
	}
	level := slog.LevelDebug
	if !s.told && (what != "" || time.Since(s.since) >= lasting) {
		level, s.told = slog.LevelWarn, true
	}
	t.log.Log(context.Background(), level, "static peer not reached, trying again", attrs...)
}

// reach finds out who and where s is, and connects. A URL that is silent now led to somebody before, perhaps, who may be
// reached all the same.
func (t *statics) reach(ctx context.Context, s *static) error {
	if s.url != "" {
		if err := t.ask(ctx, s); err != nil && t.aim(s).ID == "" {
			return err
		}
	}
	info := t.aim(s)
	if info.ID == t.self {
		return t.twin.look(ctx, info.Addrs)
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeWithin(t.h.Peerstore().LatencyEWMA(info.ID)))
	defer cancel()
	return dial(ctx, t.h, info)
}

// handshakeWithin is how long a dial may take of a peer that is a round trip away, 0 where that is not known.
func handshakeWithin(trip time.Duration) time.Duration {
	if trip == 0 {
		return dialTimeout
	}
	return min(max(dialLeast, dialTrips*trip), dialTimeout)
}

// aim returns whom s leads to, now that it is dialled.
func (t *statics) aim(s *static) peer.AddrInfo {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.protect(s)
	return s.info
}

// protect keeps the peer of s, unless s was removed, connected where others must go; statics.mu is held.
func (t *statics) protect(s *static) {
	if s.info.ID != "" && s.info.ID != t.self && slices.Contains(t.list, s) {
		t.f.Protect(s.info.ID)
		t.h.ConnManager().Protect(s.info.ID, "static")
	}
}

// ask brings s up to date from its URL.
func (t *statics) ask(ctx context.Context, s *static) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	said, err := t.resolve(ctx, s.url)
	if err != nil {
		return err
	}
	info, err := peerAt(s.url, said)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	before := s.info.ID
	s.info = info
	if before != "" && before != info.ID {
		t.release(before)
	}
	return nil
}

// dial connects on purpose: what the swarm remembers of failures does not count.
func dial(ctx context.Context, h host.Host, info peer.AddrInfo) error {
	if sw, ok := h.Network().(*swarm.Swarm); ok {
		sw.Backoff().Clear(info.ID)
	}
	return h.Connect(ctx, info)
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
