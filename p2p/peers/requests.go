package peers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// maxAsked bounds the addresses that the operator and clients give: each is tried indefinitely.
const maxAsked = 1024

// request is an address that the operator or a client gave. Its peer has an entry in the book. The peer at a
// URL may change from one question to the next.
type request struct {
	userAddress // its info is the peer; no id: the URL has not answered, or not as a node of this network

	// Guarded by book.mu.
	registered  bool     // by a client: listed, and kept in the file
	kind        Kind     // at the last answer
	peer        string   // id of the kuai node that answered last
	formerPeers []string // ids of the URL's earlier nodes, newest first
	status      int      // of the last HTTP answer, 0 if there was none
	answered    bool     // the URL, at the last question
	lastLogged  string   // line about the answers, to log changes only
	lookup      *attempt
	retry       retry // of lookups
	outage
}

// isUnresolved reports whether r has no peer other than this node.
func (r *request) isUnresolved(self peer.ID) bool { return r.info.ID == "" || r.info.ID == self }

// newRequest parses addr.
func newRequest(addr string) (*request, error) {
	g, err := parseUserAddress(addr)
	if err != nil {
		return nil, err
	}
	r := &request{userAddress: g, kind: Unknown}
	if g.url == "" {
		r.kind, r.peer = Kuai, g.info.ID.String()
	}
	return r, nil
}

// newRequest parses addr, which this node must be able to dial.
func (t *Table) newRequest(addr string) (*request, error) {
	r, err := newRequest(addr)
	if err != nil {
		return nil, err
	}
	for _, a := range r.info.Addrs {
		if !t.hasTransport(a) {
			return nil, noTransport(a)
		}
	}
	return r, nil
}

// hasTransport reports whether this node can dial a.
func (t *Table) hasTransport(a ma.Multiaddr) bool {
	head, _ := ma.SplitFirst(a)
	switch {
	case t.swarm == nil, head != nil && head.Protocol().Code == ma.P_DNSADDR:
		return true // it is not known yet
	case head != nil && isName(head.Protocol().Code):
		a = withHost(a, "127.0.0.1") // transports take addresses, after the name's resolution
	}
	return t.swarm.TransportForDialing(a) != nil
}

// isName reports whether a component with this code is a name that has IP addresses.
func isName(code int) bool { return slices.Contains([]int{ma.P_DNS, ma.P_DNS4, ma.P_DNS6}, code) }

// Connect takes an address (see parseUserAddress) and keeps a connection to the peer there from now on:
// failures are tried again indefinitely, in the background. This node's own address and one that is kept
// already are fine. The error says what is wrong with the form.
func (t *Table) Connect(addr string) error {
	r, err := t.newRequest(addr)
	if err == nil && r.url != "" && t.askURL == nil {
		err = errors.New("URLs cannot be asked here, give a multiaddr")
	}
	if err != nil {
		return fmt.Errorf("peer %q: %w", addr, err)
	}
	if err := t.book.addOrRetry(r); err != nil {
		return err
	}
	signal(t.wake)
	return nil
}

// addOrRetry adds r, or retries the request for the same address at once.
func (b *book) addOrRetry(r *request) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.requestFor(r.address) == nil && len(b.requests) >= maxAsked {
		return fmt.Errorf("peer %q: %d peers are asked for already, which is the most: disconnect one first", r.display(), maxAsked)
	}
	b.addRequest(r)
	return nil
}

// addRequest adds r, or retries the request for the same address at once, and returns the one that is kept;
// b.mu is held.
func (b *book) addRequest(r *request) *request {
	old := b.requestFor(r.address)
	if old != nil {
		old.url = r.url // the scheme may be another one
		r = old
		b.requests = slices.DeleteFunc(b.requests, func(o *request) bool { return o == r })
	}
	b.requests = append(b.requests, r) // the last one is tried and shown first
	r.retry.reset()
	b.setPeer(r, r.info)
	if e := b.peers[r.info.ID]; old == nil && e != nil && len(r.info.Addrs) > 0 {
		if e.dial != nil {
			e.dial.cancel() // it does not try the new address
		}
		e.retry = retry{}
	}
	return r
}

// requestFor returns the request for an address, nil if there is none; b.mu is held.
func (b *book) requestFor(address string) *request {
	if i := slices.IndexFunc(b.requests, func(r *request) bool { return strings.EqualFold(r.address, address) }); i >= 0 {
		return b.requests[i]
	}
	return nil
}

// setPeer makes info the peer of r, a static peer that is dialled at once; b.mu is held.
func (b *book) setPeer(r *request, info peer.AddrInfo) {
	before := r.info.ID
	r.info = info
	if before != info.ID {
		r.retry, r.outage = retry{}, outage{}
		b.releaseStatic(before)
	}
	if r.isUnresolved(b.self) {
		return
	}
	e := b.peers[info.ID]
	if e == nil {
		e = &entry{}
		b.peers[info.ID] = e
	}
	if e.dial != nil && !e.dial.static {
		e.dial.cancel() // the new dial may try other addresses
	}
	e.static, e.forgotten = true, false
	e.retry.reset()
	b.staticChanged(info.ID, true)
}

// releaseStatic makes id an ordinary peer again, unless another request is for it; b.mu is held.
func (b *book) releaseStatic(id peer.ID) {
	e := b.peers[id]
	if e == nil || !e.static || b.isRequested(id) {
		return
	}
	if e.static, e.outage = false, (outage{}); e.dial != nil {
		e.dial.cancel()
	}
	switch {
	case !e.known() && len(e.addrs) == 0: // its only address was the request's
		delete(b.peers, id)
	case b.countOrdinary() > maxBook:
		b.evict()
	}
	b.staticChanged(id, false)
}

// isRequested reports whether id is the peer of a request; b.mu is held.
func (b *book) isRequested(id peer.ID) bool {
	return slices.ContainsFunc(b.requests, func(r *request) bool { return r.info.ID == id })
}

// isStatic reports whether id is a static peer.
func (b *book) isStatic(id peer.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.peers[id]
	return e != nil && e.static
}

// removeRequests removes the requests that match, and returns them; b.mu is held.
func (b *book) removeRequests(match func(*request) bool) (gone []*request) {
	b.requests = slices.DeleteFunc(b.requests, func(r *request) bool {
		if !match(r) {
			return false
		}
		if r.lookup != nil {
			r.lookup.cancel()
		}
		gone = append(gone, r)
		return true
	})
	for _, r := range gone {
		b.dirty = b.dirty || r.registered
		b.releaseStatic(r.info.ID)
	}
	return gone
}

// requested returns the addresses of id in requests, the latest first; b.mu is held.
func (b *book) requested(id peer.ID) (addrs []ma.Multiaddr) {
	for _, r := range slices.Backward(b.requests) {
		if r.info.ID == id {
			addrs = append(addrs, r.info.Addrs...)
		}
	}
	return addrs
}

// takeDueLookups starts the lookups that are due: of requests without a peer, and of the URLs of the peers in
// dialled. It returns when to call it again, zero if only an event makes that necessary. b.mu is held.
func (b *book) takeDueLookups(dialled []candidate, now time.Time) (begin []*request, again time.Time) {
	for _, r := range b.requests {
		lost := r.isUnresolved(b.self)
		switch {
		case r.lookup != nil:
		case r.retry.next.After(now):
			if lost {
				again = earliest(again, r.retry.next)
			}
		case lost, r.url != "" && slices.ContainsFunc(dialled, func(p candidate) bool { return p.ID == r.info.ID }):
			r.lookup = &attempt{start: now}
			begin = append(begin, r)
		}
	}
	return begin, again
}

// outage is the time during which a static peer is not reached.
type outage struct {
	since  time.Time // first failure in a row
	warned bool      // the log has a warning
}

// warnAfter is how long a static peer may be unreachable before a warning: nodes often start together.
const warnAfter = 10 * time.Second

// logUnreached logs why a static peer was not reached, with a hint. It warns once per outage: after warnAfter,
// or at once if there is a hint. book.mu is held.
func (t *Table) logUnreached(c *outage, key string, err error) {
	if c.since.IsZero() {
		c.since = time.Now()
	}
	attrs := []any{"peer", key, "error", reason(err)}
	what := hint(err)
	if what != "" {
		attrs = append(attrs, "hint", what)
	}
	level := slog.LevelDebug
	if !c.warned && (what != "" || time.Since(c.since) >= warnAfter) {
		level, c.warned = slog.LevelWarn, true
	}
	t.log.Log(context.Background(), level, "static peer not reached, trying again", attrs...)
}

// setStatic is called when id becomes a static peer or an ordinary one. A static peer is not refused, and keeps
// its connection when the connection manager closes others. book.mu is held.
func (t *Table) setStatic(id peer.ID, kept bool) {
	if kept {
		t.Protect(id)
		t.forgive(id)
		t.h.ConnManager().Protect(id, "static")
	} else {
		t.unprotect(id)
		t.h.ConnManager().Unprotect(id, "static")
	}
}
