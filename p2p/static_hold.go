package p2p

import (
	"context"
	"errors"
	"fmt"
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

// run keeps a connection to each until ctx ends.
func (t *statics) run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		for _, s := range t.fresh() {
			wg.Go(func() { t.hold(ctx, s) })
		}
		select {
		case <-t.added:
		case <-ctx.Done():
			return nil
		}
	}
}

// fresh takes the statics that nobody holds yet.
func (t *statics) fresh() []*static {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []*static
	for _, s := range t.list {
		if !s.running {
			s.running = true
			out = append(out, s)
		}
	}
	return out
}

// hold connects, waits until the connection is gone, and begins again, until ctx ends or s is removed.
func (t *statics) hold(ctx context.Context, s *static) {
	ctx, cancel := unless(ctx, s.gone)
	defer cancel()
	for ctx.Err() == nil {
		id, err := t.reach(ctx, s)
		if errors.Is(err, errSelf) {
			t.remove(func(o *static) bool { return o == s }) // one node may be named in very many ways
			t.log.Debug("static peer is this node", "peer", s.key)
			return
		}
		if err == nil {
			err = t.untilGone(ctx, s, id)
		}
		if ctx.Err() == nil {
			t.settle(s, err)
			t.wait(ctx, s)
		}
	}
}

// settle draws the consequences of a dial that failed with err, or of a connection's end.
func (t *statics) settle(s *static, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		s.dials, s.since, s.told = redial{}, time.Time{}, false
		s.dials.rest(firstRetryStatic, mostRetryStatic)
		return
	}
	switch theirs, until := t.f.foreign(s.info.ID); {
	case theirs != "":
		s.dials.failed(firstRetryStatic, mostRetryStatic, fmt.Errorf("%w, %s", errForeign, theirs))
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

// wait returns when s is to be dialled: when its time has come, or it is connected otherwise.
func (t *statics) wait(ctx context.Context, s *static) {
	for ctx.Err() == nil {
		t.mu.Lock()
		left, id := time.Until(s.dials.next), s.info.ID
		t.mu.Unlock()
		if left <= 0 || id != "" && t.h.Network().Connectedness(id) == network.Connected {
			return
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-s.wake:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// reach finds out who and where s is, and connects. A URL that is silent now led to somebody before, perhaps, who may be
// reached all the same.
func (t *statics) reach(ctx context.Context, s *static) (peer.ID, error) {
	if s.url != "" {
		if err := t.ask(ctx, s); err != nil && t.protect(s).ID == "" {
			return "", err
		}
	}
	info := t.protect(s)
	if info.ID == t.self {
		return info.ID, t.twin.look(ctx, info.Addrs)
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeWithin(t.h.Peerstore().LatencyEWMA(info.ID)))
	defer cancel()
	return info.ID, dial(ctx, t.h, info)
}

// handshakeWithin is how long a dial may take of a peer that is a round trip away, 0 where that is not known.
func handshakeWithin(trip time.Duration) time.Duration {
	if trip == 0 {
		return dialTimeout
	}
	return min(max(dialLeast, dialTrips*trip), dialTimeout)
}

// protect keeps the peer of s, unless s was removed, connected where others must go, and returns it.
func (t *statics) protect(s *static) peer.AddrInfo {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.spoke = false
	if s.info.ID != "" && s.info.ID != t.self && slices.Contains(t.list, s) {
		t.f.protect(s.info.ID)
		t.h.ConnManager().Protect(s.info.ID, "static")
	}
	return s.info
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

// untilGone waits until no connection with id is left. It returns an error if id did not say its status meanwhile.
func (t *statics) untilGone(ctx context.Context, s *static, id peer.ID) error {
	for t.h.Network().Connectedness(id) == network.Connected {
		select {
		case <-s.wake:
		case <-ctx.Done():
			return nil
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !s.spoke {
		return errLeft
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

// unless returns a context that ends also when gone is closed, and what to call at the end.
func unless(ctx context.Context, gone <-chan struct{}) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-gone:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, func() { cancel(); wg.Wait() }
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
