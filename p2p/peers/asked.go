package peers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"kuai/chain"
)

// maxAsked is how many peers may be asked for: each is dialled indefinitely.
const maxAsked = 1024

// request is a name under which the operator asked for a peer. The peer itself is an entry of the book. A URL may lead to another peer
// from one time that it is asked to the next.
type request struct {
	key string // its URL, or its peer id if it was given by multiaddr
	url string // "": info is what the operator gave

	// Guarded by book.mu.
	info   peer.AddrInfo // whom it leads to; no id: a URL that has not answered yet
	search *underway     // for that; nil: none is under way
	dials  redial        // of searches, while it leads to no other node
	complaint
}

// isLost reports whether r leads to no other node.
func (r *request) isLost(self peer.ID) bool { return r.info.ID == "" || r.info.ID == self }

// Connect takes a multiaddr with /p2p/ or a daemon's http URL and keeps a connection to that peer from now on: failures are
// tried again indefinitely, in the background. This node's own address and one that is kept already are fine. The error says
// what is wrong with the form.
func (t *Table) Connect(addr string) error {
	r := &request{}
	if isURL(addr) {
		u, err := parseURL(addr)
		if err != nil {
			return err
		}
		if t.resolve == nil {
			return fmt.Errorf("peer %q: URLs cannot be asked here, give a multiaddr", addr)
		}
		r.key, r.url = u, u
	} else {
		info, err := parsePeer(addr)
		if err != nil {
			return err
		}
		r.key, r.info = info.ID.String(), info
	}
	if err := t.book.ask(r); err != nil {
		return err
	}
	signal(t.seek)
	return nil
}

// ask keeps r, or adds its addresses to the request that is there, whose peer is dialled at once.
func (b *book) ask(r *request) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.IndexFunc(b.asked, func(o *request) bool { return o.key == r.key }); i >= 0 {
		old := b.asked[i]
		old.dials.hurry()
		b.leads(old, peer.AddrInfo{ID: old.info.ID, Addrs: bookAddrs(slices.Concat(r.info.Addrs, old.info.Addrs))})
		return nil
	}
	if len(b.asked) >= maxAsked {
		return fmt.Errorf("peer %q: %d peers are asked for already, which is the most: disconnect one first", r.key, maxAsked)
	}
	b.asked = append(b.asked, r)
	b.leads(r, r.info)
	return nil
}

// leads notes whom r leads to now, and that this peer is to be dialled at once; b.mu is held.
func (b *book) leads(r *request, info peer.AddrInfo) {
	before := r.info.ID
	r.info = info
	if before != info.ID {
		r.dials, r.complaint = redial{}, complaint{}
		b.release(before)
	}
	if r.isLost(b.self) {
		return
	}
	a := b.peers[info.ID]
	if a == nil {
		a = &acquaintance{}
		b.peers[info.ID] = a
	}
	if a.dial != nil && !a.dial.asked {
		a.dial.cancel() // it may try other addresses
	}
	a.asked, a.forgotten = true, false
	a.dials.hurry()
	b.kept(info.ID, true)
}

// release makes id an ordinary peer, unless a request leads to it; b.mu is held.
func (b *book) release(id peer.ID) {
	a := b.peers[id]
	if a == nil || !a.asked || b.isRequested(id) {
		return
	}
	if a.asked, a.complaint = false, (complaint{}); a.dial != nil {
		a.dial.cancel()
	}
	switch {
	case !a.known() && len(a.addrs) == 0: // only the request said where it is
		delete(b.peers, id)
	case b.others() > maxBook:
		b.evict()
	}
	b.kept(id, false)
}

// isRequested reports whether a request leads to id; b.mu is held.
func (b *book) isRequested(id peer.ID) bool {
	return slices.ContainsFunc(b.asked, func(r *request) bool { return r.info.ID == id })
}

// isAsked reports whether the operator asked for id.
func (b *book) isAsked(id peer.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.peers[id]
	return a != nil && a.asked
}

// unask drops the requests that are meant. It returns their peer ids, "" for a URL that has not answered.
func (b *book) unask(meant func(*request) bool) (gone []peer.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = slices.DeleteFunc(b.asked, func(r *request) bool {
		if !meant(r) {
			return false
		}
		if r.search != nil {
			r.search.cancel()
		}
		gone = append(gone, r.info.ID)
		return true
	})
	for _, id := range gone {
		b.release(id)
	}
	return gone
}

// requested are the addresses that requests give of id; b.mu is held.
func (b *book) requested(id peer.ID) (addrs []ma.Multiaddr) {
	for _, r := range b.asked {
		if r.info.ID == id {
			addrs = append(addrs, r.info.Addrs...)
		}
	}
	return addrs
}

// searches begins those that are due: of requests that lead to no other node, and of the URLs of the peers that are dialled. It returns
// when to look again, zero if an event must come before. b.mu is held.
func (b *book) searches(dialled []prospect, now time.Time) (begin []*request, again time.Time) {
	for _, r := range b.asked {
		lost := r.isLost(b.self)
		switch {
		case r.search != nil:
		case r.dials.next.After(now):
			if lost {
				again = earliest(again, r.dials.next)
			}
		case lost, r.url != "" && slices.ContainsFunc(dialled, func(p prospect) bool { return p.ID == r.info.ID }):
			r.search = &underway{began: now}
			begin = append(begin, r)
		}
	}
	return begin, again
}

// find asks the URL of r whom it leads to. If that is this node's own id, it looks for a twin.
func (t *Table) find(ctx context.Context, r *request) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	t.book.cancels(r.search, stop)
	err := t.search(ctx, r)
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, errSelf):
		t.book.unask(func(o *request) bool { return o == r }) // one node may be named in very many ways
		t.log.Debug("static peer is this node", "peer", r.key)
	case err != nil:
		t.lost(r, err)
	}
	t.book.mu.Lock()
	r.search = nil
	t.book.mu.Unlock()
	signal(t.seek)
}

func (t *Table) search(ctx context.Context, r *request) error {
	if r.url != "" {
		if err := t.askURL(ctx, r); err != nil {
			return err
		}
	}
	t.book.mu.Lock()
	info := r.info
	t.book.mu.Unlock()
	if info.ID == t.h.ID() {
		return t.twin.look(ctx, info.Addrs)
	}
	return nil
}

// askURL brings r up to date.
func (t *Table) askURL(ctx context.Context, r *request) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	said, err := t.resolve(ctx, r.url)
	if err != nil {
		return err
	}
	info, err := peerAt(r.url, said)
	if err != nil {
		return err
	}
	t.book.answered(r, info)
	return nil
}

// answered notes what the URL of r said. It is asked again after a while at the soonest, as it may name another peer each time.
func (b *book) answered(r *request, info peer.AddrInfo) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !slices.Contains(b.asked, r):
	case info.ID == r.info.ID:
		r.info = info
	default:
		b.leads(r, info)
	}
	r.dials.rest(firstRetry, firstRetry)
}

// lost draws the consequences of a search that failed with err. A URL that is silent now led to somebody before, perhaps, who is
// dialled all the same.
func (t *Table) lost(r *request, err error) {
	t.book.mu.Lock()
	defer t.book.mu.Unlock()
	if !r.isLost(t.h.ID()) {
		return
	}
	r.dials.failed(firstRetryAsked, mostRetryAsked, err)
	if errors.Is(err, errTwin) {
		r.dials.next = time.Now().Add(twinEvery)
		return
	}
	t.complain(&r.complaint, r.key, err)
}

// complaint is about a peer that was asked for and is not reached.
type complaint struct {
	first time.Time // failure in a row
	told  bool      // the operator knows
}

// lasting is for how long a peer that was asked for is not reached before it is worth a warning: neighbours start together.
const lasting = 10 * time.Second

// complain says why a peer was not reached, and what that may mean: as a warning once, as soon as it has lasted or somebody must act.
// book.mu is held.
func (t *Table) complain(c *complaint, key string, err error) {
	if c.first.IsZero() {
		c.first = time.Now()
	}
	attrs := []any{"peer", key, "error", reason(err)}
	what := hint(err)
	if what != "" {
		attrs = append(attrs, "hint", what)
	}
	level := slog.LevelDebug
	if !c.told && (what != "" || time.Since(c.first) >= lasting) {
		level, c.told = slog.LevelWarn, true
	}
	t.log.Log(context.Background(), level, "static peer not reached, trying again", attrs...)
}

// keeps is told that id became a static peer, or an ordinary one again: it is kept connected where others must go. book.mu is held.
func (t *Table) keeps(id peer.ID, kept bool) {
	if kept {
		t.Protect(id)
		t.forgive(id)
		t.h.ConnManager().Protect(id, "static")
	} else {
		t.unprotect(id)
		t.h.ConnManager().Unprotect(id, "static")
	}
}

// Disconnect closes the connections with a peer and forgets it. It takes a peer id: then the peer, which may dial this node, is kept away for
// ten minutes, or until it is given to Connect. Or it takes a URL that Connect was given; then a peer to which something else leads that
// Connect was given stays connected. The error wraps chain.ErrNotFound if there is no such peer.
func (t *Table) Disconnect(name string) error {
	if isURL(name) {
		return t.disconnectURL(name)
	}
	p, err := peer.Decode(name)
	if err != nil {
		return fmt.Errorf("%q is not a peer id: %w", name, err)
	}
	asked, remembered := t.book.unask(func(r *request) bool { return r.info.ID == p }), t.book.forget(p)
	t.part(p) // also one that was disconnected a moment ago by its URL
	if len(asked) == 0 && !remembered && !t.isConnected(p) {
		return fmt.Errorf("peer %s: %w", name, chain.ErrNotFound)
	}
	t.ends.soon(p)
	return nil
}

func (t *Table) disconnectURL(rawURL string) error {
	u, err := parseURL(rawURL)
	if err != nil {
		return err
	}
	gone := t.book.unask(func(r *request) bool { return r.url == u })
	if len(gone) == 0 {
		return fmt.Errorf("peer %s: %w", u, chain.ErrNotFound)
	}
	p := gone[0]
	if p == "" || p == t.h.ID() || t.book.isAsked(p) {
		return nil
	}
	t.book.forget(p)
	t.ends.soon(p)
	return nil
}
