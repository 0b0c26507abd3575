package peers

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// Timing of questions to URLs. The first waits between two questions are those of a static peer.
const (
	askTimeout  = 3 * time.Second
	maxRetryURL = 30 * time.Second
)

// Kind is what an address was at its last answer. Another kind of node may answer at a URL later, so URLs are
// asked again.
type Kind string

// The kinds.
const (
	Kuai    Kind = "kuai"    // connected over libp2p
	Flask   Kind = "flask"   // a node of the tutorial, which speaks HTTP only
	Unknown Kind = "unknown" // has not answered yet, or answers as neither
)

// Answer is what the kuai node at a URL says of itself.
type Answer struct {
	ID        string   // peer id
	Addresses []string // multiaddrs that end in /p2p/<id>
	Network   string   // id; "": any
	Status    int      // of the HTTP answer, also with an error; 0 if there was none
}

// Errors of a URL at which something other than a kuai node answers.
var (
	ErrFlask  = errors.New("a Flask node answers")
	ErrNoNode = errors.New("no node answers there")
)

// urlResult is the result of a question to a URL.
type urlResult struct {
	kind    Kind          // "": no answer
	info    peer.AddrInfo // of a kuai node of this network
	foreign string        // network id of a kuai node of another network
	status  int
	err     error // why no peer of this network answers there
	self    error // result of the check for a twin, nil if it has not this node's id
}

// ask asks what answers at url.
func (t *Table) ask(ctx context.Context, url string) urlResult {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	said, err := t.askURL(ctx, url)
	f := urlResult{status: said.Status, err: err}
	switch {
	case errors.Is(err, ErrFlask):
		f.kind = Flask
	case errors.Is(err, ErrNoNode):
		f.kind = Unknown
	case err == nil:
		t.interpret(url, said, &f)
	}
	return f
}

// interpret sets f to what the answer of a kuai node means.
func (t *Table) interpret(url string, said Answer, f *urlResult) {
	f.info, f.err = peerFromAnswer(url, said.Addresses)
	if id, err := peer.Decode(said.ID); f.err != nil && err == nil {
		f.info, f.err = peer.AddrInfo{ID: id}, nil
	}
	switch {
	case f.err != nil:
		f.kind = Unknown
	case f.info.ID != t.book.self && said.Network != "" && said.Network != t.net:
		f.kind, f.info, f.foreign = Unknown, peer.AddrInfo{}, quoteUnprintable(said.Network)
		f.err = foreignError(f.foreign)
	default:
		f.kind = Kuai
	}
}

// quoteUnprintable quotes text that may do harm in a terminal.
func quoteUnprintable(text string) string {
	if quoted := strconv.QuoteToASCII(text); quoted != `"`+text+`"` {
		return quoted
	}
	return text
}

// resolve asks the URL of r which peer is there. If that is this node's own id, it looks for a twin.
func (t *Table) resolve(ctx context.Context, r *request) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	t.book.setCancel(r.lookup, stop)
	if r.url != "" {
		if f := t.ask(ctx, r.url); ctx.Err() == nil {
			t.applyResult(r, f)
		}
	}
	t.checkSelf(ctx, r)
	t.book.mu.Lock()
	r.lookup = nil
	t.book.mu.Unlock()
	signal(t.wake)
}

// checkSelf looks for a twin at the addresses of r if its peer has this node's own id, unless one was found there
// a short time ago.
func (t *Table) checkSelf(ctx context.Context, r *request) {
	if own, is := t.book.selfAddresses(r); is && ctx.Err() == nil {
		t.handleSelf(ctx, r, t.twin.check(ctx, own))
	}
}

// selfAddresses returns the addresses of r, and reports whether its peer has this node's own id and is to be
// checked now.
func (b *book) selfAddresses(r *request) (addrs []ma.Multiaddr, is bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := r.retry.err == errTwin.Error() && r.retry.next.After(time.Now())
	return slices.Clone(r.info.Addrs), r.info.ID == b.self && !known
}

// handleSelf acts on the result of a look for a twin: r is dropped if it is this node itself, and tried again
// later otherwise.
func (t *Table) handleSelf(ctx context.Context, r *request, err error) {
	t.book.mu.Lock()
	defer t.book.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, errSelf):
		t.book.removeRequests(func(o *request) bool { return o == r }) // one node may be named in very many ways
		t.log.Info("static peer is this node itself, and is left out", "peer", r.display())
	default:
		r.retry.failed(firstRetryStatic, maxRetryStatic, err)
		if errors.Is(err, errTwin) {
			r.retry.next = time.Now().Add(twinEvery)
			return
		}
		t.logUnreached(&r.outage, r.display(), err)
	}
}

// applyResult records what the URL of r answered. Silence changes nothing, and the peer that the URL had is
// still dialled. An answer of something that is not a node changes nothing while that peer is connected: a
// proxy in front of it may be restarting.
func (t *Table) applyResult(r *request, f urlResult) {
	b := t.book
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.requests, r) {
		return
	}
	r.status, r.answered = f.status, f.kind != ""
	kind, id := r.kind, r.peer
	if f.kind != "" && !(errors.Is(f.err, ErrNoNode) && b.isConnected(r.info.ID)) {
		b.setResult(r, f)
	}
	if kind != r.kind || id != r.peer {
		r.retry.fails = 0
	}
	t.scheduleNext(r, f)
	t.logResult(r, f)
}

// setResult sets kind and peer of r to those that its URL answered with; b.mu is held.
func (b *book) setResult(r *request, f urlResult) {
	id := ""
	if f.info.ID != "" {
		id = f.info.ID.String()
	}
	if r.kind != f.kind || r.peer != id {
		b.dirty = b.dirty || r.registered
	}
	if r.peer != "" && r.peer != id {
		r.formerPeers = slices.Insert(r.formerPeers, 0, r.peer)
	}
	r.formerPeers = slices.DeleteFunc(r.formerPeers, func(old string) bool { return old == id })
	r.formerPeers = r.formerPeers[:min(len(r.formerPeers), maxFormer)]
	r.kind, r.peer = f.kind, id
	if f.info.ID == r.info.ID {
		r.info = f.info
	} else {
		b.setPeer(r, f.info)
	}
}

// scheduleNext sets when the URL of r is asked again, later each time; book.mu is held.
func (t *Table) scheduleNext(r *request, f urlResult) {
	if f.info.ID == t.book.self { // handleSelf does it
		return
	}
	if f.err != nil {
		r.retry.failed(firstRetryStatic, maxRetryURL, f.err)
		return
	}
	r.retry.backOff(firstRetryStatic, maxRetryURL)
	r.retry.fails++
	r.retry.err = ""
}

// logResult logs what a URL answers, once for each change. logUnreached logs silence; book.mu is held.
func (t *Table) logResult(r *request, f urlResult) {
	if f.kind == "" {
		if r.isUnresolved(t.book.self) {
			t.logUnreached(&r.outage, r.display(), f.err)
		}
		return
	}
	r.outage = outage{}
	state := string(f.kind)
	if f.err != nil {
		what, cause := stateOf(f.err)
		state = stateText(what, cause, 0)
	}
	if line := state + r.peer; line != r.lastLogged {
		r.lastLogged = line
		t.log.Info("node asked", "node", r.display(), "kind", string(r.kind), "peer", r.peer, "state", state)
	}
}
