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

// RefusedError says which address was refused, and why. Then no address of its list is registered.
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
	Kind      Kind   // at the last answer
	PeerID    string // "" if it is not known
	Connected bool
	Answered  bool      // the URL, at the last question
	State     string    // in words, as of a Peer, and if it is a multiaddr, why it itself was not reached
	Reason    string    // the part of State that says why it is not connected
	Status    int       // of the URL's last HTTP answer, 0 if there was none
	Next      time.Time // time of the next try; zero while it is connected
}

// Register asks the URLs in list what they are, all at once, and keeps connections to all nodes, as Connect
// does. When it returns, they are listed by Registered and in the file. If it returns an error, nothing was
// registered: a *RefusedError if an address is malformed or is of another network, ErrTooMany, or an error of
// the disk. A URL that does not answer is registered, and so is a copy of this node. Addresses of this node
// itself are left out.
func (t *Table) Register(ctx context.Context, list []string) error {
	var news []*request
	var entries []int
	for i, text := range list {
		r, err := t.newRequest(text)
		if err != nil {
			return &RefusedError{Entry: i + 1, Err: err}
		}
		known := slices.ContainsFunc(news, func(o *request) bool { return o.key() == r.key() })
		if !known {
			news, entries = append(news, r), append(entries, i+1)
		}
	}
	found := t.askAll(ctx, news)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for i, f := range found {
		if err := t.objection(f); err != nil {
			return &RefusedError{Entry: entries[i], Address: news[i].display(), Err: err}
		}
	}
	news, found = t.withoutSelf(ctx, news, found)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	kept, err := t.book.register(news)
	if err != nil {
		return err
	}
	for i, r := range kept {
		if r.url != "" {
			t.applyResult(r, found[i])
		}
		if found[i].self != nil {
			t.handleSelf(ctx, r, found[i].self)
		}
	}
	signal(t.wake)
	return nil
}

// withoutSelf looks for twins among the requests with this node's own id, and leaves out those of this node itself.
func (t *Table) withoutSelf(ctx context.Context, news []*request, found []urlResult) (others []*request, theirs []urlResult) {
	ctx, cancel := context.WithTimeout(ctx, twinArrivesWithin+time.Second)
	defer cancel()
	for i, f := range found {
		at := news[i].info
		if f.info.ID != "" {
			at = f.info
		}
		if at.ID == t.book.self {
			if f.self = t.twin.check(ctx, at.Addrs); errors.Is(f.self, errSelf) {
				continue
			}
		}
		others, theirs = append(others, news[i]), append(theirs, f)
	}
	return others, theirs
}

// askAll asks the URLs of requests, all at once. Multiaddrs have empty results.
func (t *Table) askAll(ctx context.Context, all []*request) []urlResult {
	found := make([]urlResult, len(all))
	var wg sync.WaitGroup
	for i, r := range all {
		if r.url != "" {
			wg.Go(func() { found[i] = t.ask(ctx, r.url) })
		}
	}
	wg.Wait()
	return found
}

// objection returns why a URL with this result must not be registered, nil if it may be.
func (t *Table) objection(f urlResult) error {
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
		out = append(out, t.book.described(r, known))
	}
	return out
}

// registered returns the registered requests, sorted; b.mu is held.
func (b *book) registered() []*request {
	all := slices.DeleteFunc(slices.Clone(b.requests), func(r *request) bool { return !r.registered })
	slices.SortFunc(all, func(x, y *request) int { return strings.Compare(x.address, y.address) })
	return all
}

// described describes r. known are the peers by id; b.mu is held.
func (b *book) described(r *request, known map[string]Peer) Registered {
	e := Peer{}
	r.retry.describe(&e)
	if p, ok := known[r.info.ID.String()]; ok && r.info.ID != "" {
		e = p
		b.describeAddress(r, &e)
	}
	return Registered{
		Address: r.address, URL: r.url, Kind: r.kind, PeerID: r.peer, Connected: e.Connected, Answered: r.answered,
		State: e.State, Reason: e.Reason, Status: r.status, Next: e.NextDial,
	}
}

// describeAddress sets in e why the multiaddr of r itself was not reached, if it is not only the peer that is avoided.
func (b *book) describeAddress(r *request, e *Peer) {
	p := b.peers[r.info.ID]
	if r.url != "" || p == nil || len(r.info.Addrs) == 0 || e.Reason == "" || e.Reason != stateText(p.retry.state, p.retry.cause, 0) {
		return
	}
	if cause, ok := p.retry.at[r.info.Addrs[0].String()]; ok {
		p.retry.describeAt(e, cause)
		p.dial.describe(e)
	}
}

// AskRegistered asks all registered URLs now, all at once, and calls each with every result as it arrives. It
// returns after the last one.
func (t *Table) AskRegistered(ctx context.Context, each func(Registered)) {
	t.book.mu.Lock()
	all := slices.DeleteFunc(t.book.registered(), func(r *request) bool { return r.url == "" })
	t.book.mu.Unlock()
	var wg sync.WaitGroup
	for _, r := range all {
		wg.Go(func() {
			if f := t.ask(ctx, r.url); ctx.Err() == nil {
				t.applyResult(r, f)
				t.checkSelf(ctx, r)
				signal(t.wake)
			}
			now := t.Registered()
			if i := slices.IndexFunc(now, func(e Registered) bool { return e.Address == r.address }); i >= 0 {
				each(now[i])
			}
		})
	}
	wg.Wait()
}

// register adds requests as registered once the file is written: all or nothing.
func (b *book) register(news []*request) (kept []*request, err error) {
	err = b.change(func(held map[string]registration) error {
		fresh := 0
		for _, r := range news {
			held[r.key()] = r.registration()
			if b.requestFor(r.address) == nil {
				fresh++
			}
		}
		if len(held) > maxRegistered || len(b.requests)+fresh > maxAsked {
			return ErrTooMany
		}
		return nil
	}, func() {
		for _, r := range news {
			r = b.addRequest(r)
			r.registered = true
			kept = append(kept, r)
		}
	})
	return kept, err
}

// change changes the registrations: it writes the file with those that edit leaves, and then calls apply. b.mu
// is held during both calls.
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

// Disconnect removes every request that name matches, then disconnects their peers, unless another request is
// for them, and refuses these peers for ten minutes, or until Connect or Register names them. name is an
// address as Connect takes it, a peer id, or else a former id of a registered URL. The error wraps
// chain.ErrNotFound if nothing matches, or is an error of the disk: then nothing has changed.
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
		if p == "" || p == t.book.self || t.book.isStatic(p) {
			continue
		}
		t.keepAway(p) // first: p may be identified just now
		found = t.book.forget(p) || t.isConnected(p) || found
		t.disconnects.now(p)
	}
	if !found {
		return fmt.Errorf("peer %s: %w", name, chain.ErrNotFound)
	}
	return nil
}

// withdraw removes the requests that name or id matches, and returns them.
func (b *book) withdraw(name string, id peer.ID) (gone []*request, err error) {
	at, _ := parseUserAddress(name)
	now := func(r *request) bool {
		return at.address != "" && r.key() == at.key() || name != "" && r.peer == name || id != "" && r.info.ID == id
	}
	meant := func(r *request) bool { return slices.Contains(r.formerPeers, name) }
	b.mu.Lock()
	if slices.ContainsFunc(b.requests, now) {
		meant = now
	}
	listed := slices.ContainsFunc(b.requests, func(r *request) bool { return r.registered && meant(r) })
	b.mu.Unlock()
	apply := func() { gone = b.removeRequests(meant) }
	if !listed {
		b.mu.Lock()
		defer b.mu.Unlock()
		apply()
		return gone, nil
	}
	err = b.change(func(held map[string]registration) error {
		for _, r := range b.requests {
			if meant(r) {
				delete(held, r.key())
			}
		}
		return nil
	}, apply)
	return gone, err
}
