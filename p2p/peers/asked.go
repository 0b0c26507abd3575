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

// maxAsked is how many addresses the operator and clients may give: each is tried indefinitely.
const maxAsked = 1024

// request is an address that the operator or a client gave. The peer itself is an entry of the book. A URL may lead to another peer
// from one time that it is asked to the next.
type request struct {
	given // its info is whom the request leads to; no id: a URL that has not answered, or not as a node of this network

	// Guarded by book.mu.
	registered bool     // by a client: it is listed, and in the file
	kind       Kind     // what it was when it answered last
	peer       string   // id of the kuai node that answered last
	former     []string // ids of those that a URL had before, the newest first
	status     int      // of the last HTTP answer, 0: there was none
	answered   bool     // the URL, when it was asked last
	told       string   // what the log said last of the answers
	search     *underway
	dials      redial // of searches
	complaint
}

// isLost reports whether r leads to no other node.
func (r *request) isLost(self peer.ID) bool { return r.info.ID == "" || r.info.ID == self }

// newRequest reads addr.
func newRequest(addr string) (*request, error) {
	g, err := parseGiven(addr)
	if err != nil {
		return nil, err
	}
	r := &request{given: g, kind: Unknown}
	if g.url == "" {
		r.kind, r.peer = Kuai, g.info.ID.String()
	}
	return r, nil
}

// Connect takes an address as parseGiven reads it and keeps a connection to the peer there from now on: failures are tried again
// indefinitely, in the background. This node's own address and one that is kept already are fine. The error says what is wrong with the form.
func (t *Table) Connect(addr string) error {
	r, err := newRequest(addr)
	if err == nil && r.url != "" && t.askURL == nil {
		err = errors.New("URLs cannot be asked here, give a multiaddr")
	}
	if err != nil {
		return fmt.Errorf("peer %q: %w", addr, err)
	}
	if err := t.book.ask(r); err != nil {
		return err
	}
	signal(t.seek)
	return nil
}

// ask keeps r, or hurries the request that is there.
func (b *book) ask(r *request) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.requestFor(r.address) == nil && len(b.asked) >= maxAsked {
		return fmt.Errorf("peer %q: %d peers are asked for already, which is the most: disconnect one first", r.shown(), maxAsked)
	}
	b.keep(r)
	return nil
}

// keep adds r, or hurries the request that is there, which it returns; b.mu is held.
func (b *book) keep(r *request) *request {
	if old := b.requestFor(r.address); old != nil {
		old.url = r.url // by another scheme, perhaps
		r = old
	} else {
		b.asked = append(b.asked, r)
	}
	r.dials.hurry()
	b.leads(r, r.info)
	return r
}

// requestFor returns the request for an address, nil if there is none; b.mu is held.
func (b *book) requestFor(address string) *request {
	if i := slices.IndexFunc(b.asked, func(r *request) bool { return strings.EqualFold(r.address, address) }); i >= 0 {
		return b.asked[i]
	}
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

// drop drops the requests that are meant, and returns them; b.mu is held.
func (b *book) drop(meant func(*request) bool) (gone []*request) {
	b.asked = slices.DeleteFunc(b.asked, func(r *request) bool {
		if !meant(r) {
			return false
		}
		if r.search != nil {
			r.search.cancel()
		}
		gone = append(gone, r)
		return true
	})
	for _, r := range gone {
		b.dirty = b.dirty || r.registered
		b.release(r.info.ID)
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
