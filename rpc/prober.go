package rpc

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"kuai/rpc/api"
)

// How often a URL is asked what it is. An earlier question gets the last answer.
const (
	askTimeout = 3 * time.Second        // for both questions
	askFirst   = 250 * time.Millisecond // between the first two asks; doubled each time, with jitter
	askLast    = 30 * time.Second       // and at most this
	maxSites   = 1024                   // URLs remembered: registered ones, and those of --peer
)

// Prober asks URLs which node answers there. A daemon has one, so that its HTTP server and its network ask by one schedule.
// An answer is never taken for settled: it holds until the URL may be asked again.
type Prober struct {
	out *outbound

	mu    sync.Mutex
	sites map[string]*site // by URL
}

// site is what is known of one URL. Prober.mu guards all but asking.
type site struct {
	asking singleflight.Group // shared by all that ask at the same time

	found finding
	asked bool          // found is set
	wait  time.Duration // between the last ask and next, before jitter; 0 begins anew
	next  time.Time     // not asked before, unless somebody insists
	told  map[topic]string
}

// topic is what the log has to say of a URL.
type topic int

const (
	topicNode  topic = iota // what it is
	topicChain              // why its chain was not read
)

// finding is what a URL answered when it was asked last.
type finding struct {
	kind        kind     // kindUnknown if it is neither, or silent
	node        api.Node // of a kuai node
	status      int      // of /node; 0: no answer
	chainStatus int      // of /chain; 0: no answer, or not asked
	err         error    // nil if kind is known; wraps errNoNode if something else answers there
}

// ErrFlask is wrapped by Resolve for the URL of a node of the tutorial.
var ErrFlask = errors.New("a node of the tutorial")

// NewProber returns a Prober that introduces itself as agent.
func NewProber(agent string) *Prober {
	return &Prober{out: newOutbound(agent), sites: map[string]*site{}}
}

// Resolve returns the multiaddrs of the kuai node at an http or https URL. It asks only if the schedule allows it, and
// otherwise repeats the last answer.
func (p *Prober) Resolve(ctx context.Context, url string) (addrs []string, err error) {
	n, err := parseNode(url)
	if err != nil {
		return nil, err
	}
	if n.URL == "" {
		return nil, fmt.Errorf("%q is not the URL of a node", url)
	}
	f, _, asked := p.look(n.URL)
	if !asked || p.isDue(n.URL) {
		f = p.ask(ctx, n.URL)
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case f.kind == kindFlask:
		return nil, fmt.Errorf("%s is %w, which has no addresses: register it instead", n.URL, ErrFlask)
	case f.err != nil && isNotHTTP(f.err):
		return nil, fmt.Errorf("ask %s for its addresses: %w", n.URL, errNotHTTP)
	case f.err != nil:
		return nil, fmt.Errorf("ask %s for its addresses: %w", n.URL, f.err)
	}
	return f.node.Addresses, nil
}

// ask asks now, or waits for the answer that another caller asked for just before.
func (p *Prober) ask(ctx context.Context, url string) finding {
	at := p.at(url)
	err := shared(ctx, &at.asking, func(ctx context.Context) error {
		limited, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		f := p.out.find(limited, url)
		if errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err() // the caller left: that tells nothing about the URL
		}
		p.note(at, f)
		return nil
	})
	if err != nil {
		return finding{kind: kindUnknown, err: err}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return at.found
}

// at returns the site at url.
func (p *Prober) at(url string) *site {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.sites[url]
	if at == nil {
		p.shrink()
		at = &site{told: map[topic]string{}}
		p.sites[url] = at
	}
	return at
}

// shrink makes room for one more site: the one that may be asked soonest has been idle longest. The caller holds mu.
func (p *Prober) shrink() {
	if len(p.sites) < maxSites {
		return
	}
	oldest := ""
	for url, at := range p.sites {
		if oldest == "" || at.next.Before(p.sites[oldest].next) {
			oldest = url
		}
	}
	delete(p.sites, oldest)
}

// note remembers an answer and says when to ask again: later each time, sooner after an answer that is a new one.
func (p *Prober) note(at *site, f finding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !at.asked || f.kind != at.found.kind || f.node.PeerID != at.found.node.PeerID {
		at.wait = 0
	}
	at.found, at.asked = f, true
	at.wait = min(max(2*at.wait, askFirst), askLast)
	at.next = time.Now().Add(at.wait/2 + rand.N(at.wait/2))
}

// look returns what url answered last and when it may be asked again. asked is false if it never was.
func (p *Prober) look(url string) (f finding, next time.Time, asked bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.sites[url]
	if at == nil {
		return finding{kind: kindUnknown}, time.Time{}, false
	}
	return at.found, at.next, at.asked
}

// isDue reports whether the schedule allows to ask url now.
func (p *Prober) isDue(url string) bool {
	_, next, _ := p.look(url)
	return !time.Now().Before(next)
}

// renew begins the waits for url anew: somebody says that it is there.
func (p *Prober) renew(url string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := p.sites[url]; at != nil {
		at.wait, at.next = 0, time.Time{}
	}
}

// renewConnected begins the waits anew for the URLs whose nodes are connected: the first question after a loss goes out at once.
func (p *Prober) renewConnected(connected map[string]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, at := range p.sites {
		if connected[at.found.node.PeerID] {
			at.wait, at.next = 0, time.Time{}
		}
	}
}

// forget drops what is known of url.
func (p *Prober) forget(url string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sites, url)
}

// isNews reports whether text differs from what the log said of url last, and remembers it.
func (p *Prober) isNews(url string, about topic, text string) bool {
	at := p.at(url)
	p.mu.Lock()
	defer p.mu.Unlock()
	before := at.told[about]
	at.told[about] = text
	return text != before
}

// find asks base for /node, and for /chain if that is not a node's.
func (o *outbound) find(ctx context.Context, base string) finding {
	info, err := o.node(ctx, base)
	f := finding{kind: kindUnknown, status: statusOf(err), err: err}
	switch {
	case err == nil:
		f.kind, f.node = kindKuai, info
	case errors.Is(err, errNoNode):
		err := o.isFlask(ctx, base)
		f.chainStatus = statusOf(err)
		if err == nil {
			f.kind, f.err = kindFlask, nil
		}
	}
	return f
}

// errNotHTTP says of a port that something else than HTTP answers there.
var errNotHTTP = errors.New("it does not speak HTTP: if that is its port for peers, give its HTTP port or its multiaddr")

// isNotHTTP reports whether a request failed because the answer was not HTTP.
func isNotHTTP(err error) bool {
	return strings.Contains(err.Error(), "malformed HTTP") // and the bytes that came
}

// reason shortens an error of a request to what stays the same while the cause does: no URL, no local port.
func reason(err error) string {
	var (
		op      *net.OpError
		call    *os.SyscallError
		timeout net.Error
	)
	switch {
	case errors.As(err, &call):
		return call.Err.Error()
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.As(err, &op):
		return op.Err.Error()
	case isNotHTTP(err):
		return errNotHTTP.Error()
	}
	return err.Error()
}
