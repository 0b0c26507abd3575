package p2p

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// How a static peer is dialled: for ever, and never so seldom that a mended network would wait for it. A handshake sends what was
// lost again after ever longer waits, so one that began while the way was cut is given up soon where the peer is known to be near:
// a new one is faster.
const (
	firstRetry  = 250 * time.Millisecond
	mostRetry   = 750 * time.Millisecond
	dialTimeout = 10 * time.Second
	dialTrips   = 8                       // round trips that the handshake with a peer takes at most that was connected before,
	dialLeast   = 2500 * time.Millisecond // and in any case
	steady      = 10 * time.Second        // a connection that lasted so long starts the waits anew
)

// statics are the peers that the operator named.
type statics struct {
	self    peer.ID
	h       host.Host
	f       *faults
	resolve func(ctx context.Context, url string) ([]string, error)
	log     *slog.Logger

	mu    sync.Mutex
	list  []*static
	added chan struct{} // size one
}

// static is one of them. key is its URL, or its peer id where it was given by multiaddr.
type static struct {
	key  string
	url  string        // "": info is what the operator gave
	gone chan struct{} // closed by remove
	wake chan struct{} // size one: its connections changed

	info    peer.AddrInfo // guarded by statics.mu
	running bool          // guarded by statics.mu
	dials   redial        // guarded by statics.mu
}

// add takes a multiaddr or a URL. This node itself, and what is there already, is taken in silence.
func (t *statics) add(addr string) error {
	s := &static{gone: make(chan struct{}), wake: make(chan struct{}, 1)}
	if isURL(addr) {
		u, err := parseURL(addr)
		if err != nil {
			return err
		}
		if t.resolve == nil {
			return fmt.Errorf("peer %q: URLs cannot be asked here, give a multiaddr", addr)
		}
		s.key, s.url = u, u
	} else {
		info, err := parsePeer(addr)
		if err != nil {
			return err
		}
		if info.ID == t.self {
			return nil
		}
		s.key, s.info = info.ID.String(), info
	}
	t.keep(s)
	return nil
}

// keep adds s, or its addresses to the one that is there.
func (t *statics) keep(s *static) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.IndexFunc(t.list, func(o *static) bool { return o.key == s.key }); i >= 0 {
		old := t.list[i]
		old.info.Addrs = distinct(append(slices.Clone(s.info.Addrs), old.info.Addrs...))
		return
	}
	t.list = append(t.list, s)
	if s.info.ID != "" {
		t.f.protect(s.info.ID)
	}
	signal(t.added)
}

// remove drops the statics that are meant. It returns their peer ids, "" for a URL that has not answered.
func (t *statics) remove(meant func(*static) bool) (gone []peer.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = slices.DeleteFunc(t.list, func(s *static) bool {
		if !meant(s) {
			return false
		}
		close(s.gone)
		gone = append(gone, s.info.ID)
		return true
	})
	for _, id := range gone {
		t.release(id)
	}
	return gone
}

// release makes id an ordinary peer, unless a static peer has it. The caller holds mu.
func (t *statics) release(id peer.ID) {
	if !slices.ContainsFunc(t.list, func(s *static) bool { return s.info.ID == id }) {
		t.f.unprotect(id)
		t.h.ConnManager().Unprotect(id, "static")
	}
}

// infos lists the peers that are known by id, without this node: a URL may have led to it.
func (t *statics) infos() map[peer.ID]peer.AddrInfo {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make(map[peer.ID]peer.AddrInfo)
	for _, s := range t.list {
		if s.info.ID != "" && s.info.ID != t.self {
			out[s.info.ID] = s.info
		}
	}
	return out
}

// changed tells whoever waits for id that its connections changed.
func (t *statics) changed(id peer.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.list {
		if s.info.ID == id {
			signal(s.wake)
		}
	}
}

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
	wait, said := firstRetry, false
	for ctx.Err() == nil {
		began := time.Now()
		id, err := t.reach(ctx, s)
		switch {
		case err != nil && ctx.Err() == nil && !said:
			t.tell(s, err)
			said = true
		case err == nil && id == t.self:
			t.log.Debug("static peer is this node", "peer", s.key)
			t.remove(func(o *static) bool { return o == s }) // one node may be named in very many ways
			return
		case err == nil:
			t.note(s, redial{})
			t.untilGone(ctx, s, id)
			if said = false; time.Since(began) > steady {
				wait = firstRetry
			}
		}
		next := wait/2 + rand.N(wait)
		if err != nil {
			t.note(s, redial{err: reason(err), next: time.Now().Add(next)})
		}
		pause(ctx, next)
		wait = min(2*wait, mostRetry)
	}
}

// note keeps what became of the last dial to s.
func (t *statics) note(s *static, r redial) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.dials = r
}

// unreached lists the static peers, as far as they are not connected: by their peer id, or by a URL that has not answered.
func (t *statics) unreached() []Peer {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Peer
	for _, s := range t.list {
		if s.info.ID == t.self || s.info.ID != "" && t.h.Network().Connectedness(s.info.ID) == network.Connected {
			continue
		}
		e := Peer{Address: s.url, Static: true}
		if s.info.ID != "" {
			e.ID, e.Address = s.info.ID.String(), fullAddress(s.info)
		}
		s.dials.show(&e)
		out = append(out, e)
	}
	return out
}

// tell says why s was not reached, and what that may mean.
func (t *statics) tell(s *static, err error) {
	attrs := []any{"peer", s.key, "error", err}
	if h := hint(err); h != "" {
		attrs = append(attrs, "hint", h)
	}
	t.log.Warn("static peer not reached, trying on", attrs...)
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
		return info.ID, nil
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

// untilGone waits until no connection with id is left.
func (t *statics) untilGone(ctx context.Context, s *static, id peer.ID) {
	for t.h.Network().Connectedness(id) == network.Connected {
		select {
		case <-s.wake:
		case <-ctx.Done():
			return
		}
	}
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
