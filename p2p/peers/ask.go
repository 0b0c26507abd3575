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

// How long a URL may take to answer, and how long it waits at most for the next question. The first waits are those of a static peer.
const (
	askTimeout   = 3 * time.Second
	mostRetryURL = 30 * time.Second
)

// Kind is what an address that a user gave was when it answered last. A URL is a claim about a place: it is asked again.
type Kind string

// The kinds.
const (
	Kuai    Kind = "kuai"    // connected over libp2p
	Flask   Kind = "flask"   // a node of the tutorial, which speaks HTTP only
	Unknown Kind = "unknown" // did not answer yet, or as neither does
)

// Answer is what a kuai node at a URL says of itself.
type Answer struct {
	ID        string   // peer id
	Addresses []string // multiaddrs that end in /p2p/<id>
	Network   string   // id; "": any
	Status    int      // of the HTTP answer, also beside an error; 0: there was none
}

// Errors of a URL that answers, and not as a kuai node.
var (
	ErrFlask  = errors.New("a Flask node answers")
	ErrNoNode = errors.New("no node answers there")
)

// finding is what a URL answered.
type finding struct {
	kind    Kind          // "": nothing
	info    peer.AddrInfo // of a kuai node of this network
	foreign string        // network of a kuai node of another one
	status  int
	err     error // why it leads to no peer
}

// ask asks url what answers there.
func (t *Table) ask(ctx context.Context, url string) finding {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	said, err := t.askURL(ctx, url)
	f := finding{status: said.Status, err: err}
	switch {
	case errors.Is(err, ErrFlask):
		f.kind = Flask
	case errors.Is(err, ErrNoNode):
		f.kind = Unknown
	case err == nil:
		t.judge(url, said, &f)
	}
	return f
}

// judge says in f what a kuai node's answer means.
func (t *Table) judge(url string, said Answer, f *finding) {
	f.info, f.err = peerAt(url, said.Addresses)
	if id, err := peer.Decode(said.ID); f.err != nil && err == nil {
		f.info, f.err = peer.AddrInfo{ID: id}, nil
	}
	switch {
	case f.err != nil:
		f.kind = Unknown
	case f.info.ID != t.book.self && said.Network != "" && said.Network != t.net:
		f.kind, f.info, f.foreign = Unknown, peer.AddrInfo{}, plain(said.Network)
		f.err = foreignError(f.foreign)
	default:
		f.kind = Kuai
	}
}

// plain quotes what may do harm in a terminal.
func plain(text string) string {
	if quoted := strconv.QuoteToASCII(text); quoted != `"`+text+`"` {
		return quoted
	}
	return text
}

// find asks the URL of r whom it leads to. If that is this node's own id, it looks for a twin.
func (t *Table) find(ctx context.Context, r *request) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	t.book.cancels(r.search, stop)
	if r.url != "" {
		if f := t.ask(ctx, r.url); ctx.Err() == nil {
			t.answered(r, f)
		}
	}
	if own, is := t.book.own(r); is && ctx.Err() == nil {
		err := t.twin.look(ctx, own)
		t.foundOwn(ctx, r, err)
	}
	t.book.mu.Lock()
	r.search = nil
	t.book.mu.Unlock()
	signal(t.seek)
}

// own returns the addresses of r, and reports whether it leads to this node's own id.
func (b *book) own(r *request) (addrs []ma.Multiaddr, is bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(r.info.Addrs), r.info.ID == b.self
}

// foundOwn draws the consequences of a look for a twin.
func (t *Table) foundOwn(ctx context.Context, r *request, err error) {
	t.book.mu.Lock()
	defer t.book.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, errSelf):
		t.book.drop(func(o *request) bool { return o == r }) // one node may be named in very many ways
		t.log.Debug("static peer is this node", "peer", r.shown())
	default:
		r.dials.failed(firstRetryAsked, mostRetryAsked, err)
		if errors.Is(err, errTwin) {
			r.dials.next = time.Now().Add(twinEvery)
			return
		}
		t.complain(&r.complaint, r.shown(), err)
	}
}

// answered notes what the URL of r answered. A URL that is silent stays what it was, and its peer is dialled all the same. So does one whose
// peer is connected and that answers as something else: what stands before it may be restarting.
func (t *Table) answered(r *request, f finding) {
	b := t.book
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.asked, r) {
		return
	}
	r.status, r.answered = f.status, f.kind != ""
	kind, id := r.kind, r.peer
	if f.kind != "" && !(errors.Is(f.err, ErrNoNode) && b.isConnected(r.info.ID)) {
		b.become(r, f)
	}
	if kind != r.kind || id != r.peer {
		r.dials.fails = 0
	}
	t.waits(r, f)
	t.report(r, f)
}

// become makes r lead to whom its URL named, or to nobody; b.mu is held.
func (b *book) become(r *request, f finding) {
	id := ""
	if f.info.ID != "" {
		id = f.info.ID.String()
	}
	if r.kind != f.kind || r.peer != id {
		b.dirty = b.dirty || r.registered
	}
	if r.peer != "" && r.peer != id {
		r.former = slices.Insert(r.former, 0, r.peer)
	}
	r.former = slices.DeleteFunc(r.former, func(old string) bool { return old == id })
	r.former = r.former[:min(len(r.former), maxFormer)]
	r.kind, r.peer = f.kind, id
	if f.info.ID == r.info.ID {
		r.info = f.info
	} else {
		b.leads(r, f.info)
	}
	if r.info.ID == b.self {
		r.registered = false // a node does not list itself
	}
}

// waits says when the URL of r is asked again: later each time, sooner after an answer that is a new one; book.mu is held.
func (t *Table) waits(r *request, f finding) {
	if f.err != nil {
		r.dials.failed(firstRetryAsked, mostRetryURL, f.err)
		return
	}
	r.dials.rest(firstRetryAsked, mostRetryURL)
	r.dials.fails++
	r.dials.err = ""
}

// report logs what a URL answers, once for each change. What is silent is the subject of complaints; book.mu is held.
func (t *Table) report(r *request, f finding) {
	if f.kind == "" {
		if r.isLost(t.book.self) {
			t.complain(&r.complaint, r.shown(), f.err)
		}
		return
	}
	r.complaint = complaint{}
	state := string(f.kind)
	if f.err != nil {
		what, cause := stateOf(f.err)
		state = inWords(what, cause, 0)
	}
	if line := state + r.peer; line != r.told {
		r.told = line
		t.log.Info("node asked", "node", r.shown(), "kind", string(r.kind), "peer", r.peer, "state", state)
	}
}
