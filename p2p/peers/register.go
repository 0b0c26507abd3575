package peers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain"
	"kuai/p2p/addrpolicy"
)

// Bounds of registered nodes.
const (
	maxRegistered = 256 // in all
	maxFormer     = 4   // peer ids that one URL had before
)

// ErrTooMany is returned by Register if more nodes would be registered than are kept.
var ErrTooMany = fmt.Errorf("a node keeps at most %d registered nodes", maxRegistered)

// RefusedError says which address was not registered, and why. Nothing of its list was.
type RefusedError struct {
	Entry   int    // of the list, from 1
	Address string // "" if its form is wrong
	Err     error
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("entry %d, %q, was refused: %v", e.Entry, e.Address, e.Err)
}

func (e *RefusedError) Unwrap() error { return e.Err }

// Registered is an address that a client registered.
type Registered struct {
	Address   string // host:port, or the multiaddr
	URL       string // scheme and host, "" for a multiaddr
	Kind      Kind   // what it was when it answered last
	PeerID    string // "" if it is not known
	Connected bool
	Answered  bool      // the URL, when it was asked last
	State     string    // in words, as of a Peer
	Status    int       // of the URL's last answer, 0 if there was none
	Next      time.Time // when it is tried next; zero while it is connected
}

// Register asks the URLs in list what they are, all at once, and keeps connections to all nodes, as Connect does. They are listed by
// Registered and in the file when it returns. If it returns an error, nothing was registered: a *RefusedError if an address has no such form
// or leads to another network, ErrTooMany, or what the disk says. Silence is not an error. What leads to this node itself is left out.
func (t *Table) Register(ctx context.Context, list []string) error {
	var news []*request
	var entries []int
	for i, text := range list {
		r, err := newRequest(text)
		if err != nil {
			return &RefusedError{Entry: i + 1, Err: err}
		}
		known := slices.ContainsFunc(news, func(o *request) bool { return o.key() == r.key() })
		if r.info.ID != t.book.self && !known {
			news, entries = append(news, r), append(entries, i+1)
		}
	}
	found := t.askAll(ctx, news)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for i, f := range found {
		if err := t.objection(f); err != nil {
			return &RefusedError{Entry: entries[i], Address: news[i].shown(), Err: err}
		}
	}
	kept, err := t.book.register(news, func(i int) bool { return found[i].info.ID != t.book.self })
	if err != nil {
		return err
	}
	for i, r := range kept {
		if r.url != "" {
			t.answered(r, found[i])
		}
	}
	signal(t.seek)
	return nil
}

// askAll asks what the URLs of requests are. Multiaddrs have empty findings.
func (t *Table) askAll(ctx context.Context, all []*request) []finding {
	found := make([]finding, len(all))
	var wg sync.WaitGroup
	for i, r := range all {
		if r.url != "" {
			wg.Go(func() { found[i] = t.ask(ctx, r.url) })
		}
	}
	wg.Wait()
	return found
}

// objection says why a URL that answered so must not be registered, nil if nothing speaks against it.
func (t *Table) objection(f finding) error {
	switch {
	case f.foreign != "":
		return fmt.Errorf("it is of the network %s, this node of %s: start both with the same --network", f.foreign, t.net)
	case errors.Is(f.err, addrpolicy.ErrRefused):
		return addrpolicy.ErrRefused
	}
	return nil
}

// Registered lists the registered addresses, sorted.
func (t *Table) Registered() []Registered {
	known := make(map[string]Peer)
	for _, p := range t.List() {
		known[p.ID] = p
	}
	t.book.mu.Lock()
	defer t.book.mu.Unlock()
	var out []Registered
	for _, r := range t.book.registered() {
		out = append(out, r.described(known))
	}
	return out
}

// registered returns the registered requests, sorted; b.mu is held.
func (b *book) registered() []*request {
	all := slices.DeleteFunc(slices.Clone(b.asked), func(r *request) bool { return !r.registered })
	slices.SortFunc(all, func(x, y *request) int { return strings.Compare(x.address, y.address) })
	return all
}

// described shows r. known are the peers by id; book.mu is held.
func (r *request) described(known map[string]Peer) Registered {
	e := Peer{}
	r.dials.show(&e)
	if p, ok := known[r.info.ID.String()]; ok && r.info.ID != "" {
		e = p
	}
	return Registered{
		Address: r.address, URL: r.url, Kind: r.kind, PeerID: r.peer, Connected: e.Connected, Answered: r.answered,
		State: e.State, Status: r.status, Next: e.NextDial,
	}
}

// AskRegistered asks all registered URLs now, all at once, and calls each with what a node is as soon as it is known. It returns when all are
// over.
func (t *Table) AskRegistered(ctx context.Context, each func(Registered)) {
	t.book.mu.Lock()
	all := slices.DeleteFunc(t.book.registered(), func(r *request) bool { return r.url == "" })
	t.book.mu.Unlock()
	var wg sync.WaitGroup
	for _, r := range all {
		wg.Go(func() {
			if f := t.ask(ctx, r.url); ctx.Err() == nil {
				t.answered(r, f)
				signal(t.seek)
			}
			now := t.Registered()
			if i := slices.IndexFunc(now, func(e Registered) bool { return e.Address == r.address }); i >= 0 {
				each(now[i])
			}
		})
	}
	wg.Wait()
}

// register keeps requests, those of others than this node as registered, once the file is written: all or nothing.
func (b *book) register(news []*request, isOther func(i int) bool) (kept []*request, err error) {
	err = b.change(func(held map[string]registration) error {
		fresh := 0
		for i, r := range news {
			if isOther(i) {
				held[r.key()] = r.registration()
			}
			if b.requestFor(r.address) == nil {
				fresh++
			}
		}
		if len(held) > maxRegistered || len(b.asked)+fresh > maxAsked {
			return ErrTooMany
		}
		return nil
	}, func() {
		for i, r := range news {
			r = b.keep(r)
			r.registered = r.registered || isOther(i)
			kept = append(kept, r)
		}
	})
	return kept, err
}

// change edits what is registered: it writes the file with what edit leaves, and then applies it. Both are called while b.mu is held.
func (b *book) change(edit func(map[string]registration) error, apply func()) error {
	b.saving.Lock()
	defer b.saving.Unlock()
	b.mu.Lock()
	before := b.file()
	held := make(map[string]registration)
	for _, r := range b.registered() {
		held[r.key()] = r.registration()
	}
	err := edit(held)
	b.mu.Unlock()
	if err != nil {
		return err
	}
	after := before
	after.Registered = slices.SortedFunc(maps.Values(held), func(x, y registration) int { return strings.Compare(x.Address, y.Address) })
	if err := b.writeFile(after); err != nil {
		_ = b.writeFile(before) // the new file may be in place, as only the last step failed: a restart must not find it
		return fmt.Errorf("remember registered nodes: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	apply()
	return nil
}

// Disconnect forgets every address that name refers to, then disconnects the peers that no other one refers to, and keeps them away for ten
// minutes, or until they are asked for again. name is an address as Connect takes it, a peer id, or an id that a registered URL had before,
// if it is nothing else. The error wraps chain.ErrNotFound if there is none, and says what the disk says: then nothing has changed.
func (t *Table) Disconnect(name string) error {
	named, _ := peer.Decode(name) // "": it is not an id
	gone, err := t.book.withdraw(name, named)
	if err != nil {
		return err
	}
	var ids []peer.ID
	if named != "" {
		ids = append(ids, named)
	}
	for _, r := range gone {
		ids = append(ids, r.info.ID)
	}
	found := len(gone) > 0
	for _, p := range ids {
		if p == "" || p == t.book.self || t.book.isAsked(p) {
			continue
		}
		t.part(p) // first: what p says of itself may come just now
		found = t.book.forget(p) || t.isConnected(p) || found
		t.ends.soon(p)
	}
	if !found {
		return fmt.Errorf("peer %s: %w", name, chain.ErrNotFound)
	}
	return nil
}

// withdraw drops the requests that name refers to, and returns them.
func (b *book) withdraw(name string, id peer.ID) (gone []*request, err error) {
	at, _ := parseGiven(name)
	now := func(r *request) bool {
		return at.address != "" && r.key() == at.key() || name != "" && r.peer == name || id != "" && r.info.ID == id
	}
	meant := func(r *request) bool { return slices.Contains(r.former, name) }
	b.mu.Lock()
	if slices.ContainsFunc(b.asked, now) {
		meant = now
	}
	listed := slices.ContainsFunc(b.asked, func(r *request) bool { return r.registered && meant(r) })
	b.mu.Unlock()
	apply := func() { gone = b.drop(meant) }
	if !listed {
		b.mu.Lock()
		defer b.mu.Unlock()
		apply()
		return gone, nil
	}
	err = b.change(func(held map[string]registration) error {
		for _, r := range b.asked {
			if meant(r) {
				delete(held, r.key())
			}
		}
		return nil
	}, apply)
	return gone, err
}
