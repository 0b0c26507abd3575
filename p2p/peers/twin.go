package peers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// A copied data directory makes two nodes with one identity, twins. A host refuses to dial its own id, so they
// would never connect, and nothing would say why. A check for a twin bypasses that refusal and dials an address
// of this node's id. The handshake succeeds with this node and with a twin; it was this node if the other end
// of the connection arrived here.
const (
	twinEvery         = 10 * time.Minute // between two warnings about, or two checks of, one address
	twinArrivesWithin = 5 * time.Second  // for the other end of a connection to arrive here
	twinQueue         = 16               // addresses and connections that wait for a check
	maxTwins          = 64               // addresses remembered
	lookAgainEvery    = time.Minute      // at the address of a twin, which may have got an identity of its own
)

var (
	errSelf = errors.New("it is this node")
	errTwin = errors.New("another node has this node's identity")
)

// twin looks for a node with the identity of this one.
type twin struct {
	self           peer.ID
	key            string // path of the identity
	log            *slog.Logger
	h              host.Host         // set before the first check
	toCheck        chan ma.Multiaddr // addresses of this node's id that somebody told of
	inbound        chan ma.Multiaddr // remote addresses of inbound connections with this node's id
	arrivedChanged chan struct{}     // size one: arrivals has changed
	checking       chan struct{}     // held by the check in progress

	mu       sync.Mutex
	dialEnd  string               // local end of the connection of the check in progress, "" before its handshake
	dialDone <-chan struct{}      // closed when that check must end
	dialEnds []string             // local ends of all checks so far, newest last
	arrivals []ma.Multiaddr       // remote addresses of inbound connections with this node's id since that check began
	seen     map[string]time.Time // when addresses were last checked, and hosts warned about
	shown    []shownTwin          // those that nobody asked for, at most one a host
}

// shownTwin is a twin that mDNS or a peer told of, or that dialled this node.
type shownTwin struct {
	at      ma.Multiaddr
	dialled bool // by this node
	last    time.Time
}

func newTwin(self peer.ID, dir string, log *slog.Logger) *twin {
	return &twin{
		self: self, key: filepath.Join(dir, "identity.key"), log: log,
		toCheck: make(chan ma.Multiaddr, twinQueue), inbound: make(chan ma.Multiaddr, twinQueue),
		arrivedChanged: make(chan struct{}, 1), checking: make(chan struct{}, 1), seen: make(map[string]time.Time),
	}
}

// run checks until ctx ends what addHearsay and secured have queued.
func (t *twin) run(ctx context.Context) {
	again := time.NewTicker(lookAgainEvery)
	defer again.Stop()
	for {
		select {
		case a := <-t.toCheck:
			t.show(a, true, errors.Is(t.check(ctx, []ma.Multiaddr{a}), errTwin))
		case a := <-t.inbound:
			if !t.dialledFrom(a) {
				pause(ctx, twinArrivesWithin) // it may be the other end of a check that is not in dialEnds yet
			}
			if ctx.Err() == nil && !t.dialledFrom(a) {
				t.warn(a)
				t.show(a, false, true)
			}
		case <-again.C:
			t.lookAgain(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// show adds the twin at a to those that are shown, or removes it.
func (t *twin) show(a ma.Multiaddr, dialled, is bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := slices.IndexFunc(t.shown, func(s shownTwin) bool { return hostOf(s.at) == hostOf(a) })
	switch {
	case known < 0 && is && len(t.shown) < twinQueue:
		t.shown = append(t.shown, shownTwin{a, dialled, time.Now()})
	case known < 0:
	case is && (dialled || !t.shown[known].dialled): // the address that was dialled says more than where a connection came from
		t.shown[known] = shownTwin{a, dialled, time.Now()}
	case !is && t.shown[known].at.Equal(a):
		t.shown = slices.Delete(t.shown, known, known+1)
	}
}

// lookAgain removes the twins that are none any more. One that only dialled this node is not heard of again.
func (t *twin) lookAgain(ctx context.Context) {
	for _, s := range t.list() {
		switch {
		case s.dialled:
			err := t.check(ctx, []ma.Multiaddr{s.at})
			t.show(s.at, true, errors.Is(err, errTwin))
		case time.Since(s.last) > 2*twinEvery:
			t.show(s.at, false, false)
		}
	}
}

// list returns the twins that are shown.
func (t *twin) list() []shownTwin {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.shown)
}

// hostOf is the IP address in a, or a if it has none.
func hostOf(a ma.Multiaddr) string {
	if ip, err := manet.ToIP(a); err == nil {
		return ip.String()
	}
	return a.String()
}

// secured is called by the connection gater after a handshake with this node's own id. The connection is closed
// when it returns, so for one that a check dialled it waits until the other end has arrived: a listener drops a
// QUIC connection that ends before it is accepted.
func (t *twin) secured(dir network.Direction, c network.ConnMultiaddrs) {
	if dir == network.DirOutbound {
		t.dialled(c.LocalMultiaddr())
		t.waitArrived()
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.arrivals = append(t.arrivals, c.RemoteMultiaddr()); len(t.arrivals) > maxTwins {
		t.arrivals = t.arrivals[1:]
	}
	signal(t.arrivedChanged)
	select {
	case t.inbound <- c.RemoteMultiaddr():
	default:
	}
}

// dialled records the local end of a check's connection.
func (t *twin) dialled(from ma.Multiaddr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dialEnd = endOf(from)
	t.dialEnds = append(t.dialEnds, t.dialEnd)
	t.dialEnds = t.dialEnds[max(0, len(t.dialEnds)-maxTwins):]
}

// waitArrived returns when the other end of the check's connection has arrived here, or will not.
func (t *twin) waitArrived() {
	late := time.NewTimer(twinArrivesWithin)
	defer late.Stop()
	for {
		here, over := t.arrived()
		if here {
			return
		}
		select {
		case <-t.arrivedChanged:
		case <-late.C:
			return
		case <-over:
			return
		}
	}
}

// endOf identifies an end of a connection. A TCP port is chosen for each connection, and NAT may keep it; a
// QUIC port is the one that the node listens on.
func endOf(a ma.Multiaddr) string {
	if port, err := a.ValueForProtocol(ma.P_TCP); err == nil {
		return "tcp " + port
	}
	return a.String()
}

// dialledFrom reports whether a connection from a is a check of this node.
func (t *twin) dialledFrom(a ma.Multiaddr) bool {
	t.mu.Lock()
	own := slices.Contains(t.dialEnds, endOf(a))
	t.mu.Unlock()
	return own || t.listensOn(a)
}

// listensOn reports whether a is one of this node's own listen addresses.
func (t *twin) listensOn(a ma.Multiaddr) bool {
	own, err := t.h.Network().InterfaceListenAddresses()
	return err == nil && slices.ContainsFunc(own, a.Equal)
}

// addHearsay queues addresses of this node's id that somebody told of. Its listen addresses are skipped, others
// are checked every twinEvery.
func (t *twin) addHearsay(addrs []ma.Multiaddr) {
	for _, a := range addrs[:min(len(addrs), maxBookAddrs)] {
		if t.h == nil || t.listensOn(a) || !t.onceIn("look "+a.String()) {
			continue
		}
		select {
		case t.toCheck <- a:
		default:
		}
	}
}

// check dials the addresses of this node's id one after the other. It returns errSelf if only this node
// answers, errTwin if another node answers at any of them, and otherwise why nothing was reached.
func (t *twin) check(ctx context.Context, addrs []ma.Multiaddr) error {
	if t.h == nil || len(addrs) == 0 {
		return errSelf // a host without our connection gater tells of no handshake
	}
	select {
	case t.checking <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-t.checking }()
	found := errNoAddr
	for _, a := range addrs {
		err := t.dialSelf(ctx, a)
		if errors.Is(err, errTwin) {
			t.warn(a)
			return err
		}
		if !errors.Is(found, errSelf) {
			found = err
		}
	}
	return found
}

func (t *twin) dialSelf(ctx context.Context, a ma.Multiaddr) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	way, at, err := t.transportFor(ctx, a)
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.dialEnd, t.arrivals, t.dialDone = "", nil, ctx.Done()
	t.mu.Unlock()
	c, err := way.Dial(ctx, at, t.self)
	if err == nil { // never: the connection gater ends it
		_ = c.Close()
	}
	return t.verdict(ctx, err)
}

// verdict returns the result of a check whose dial ended with err.
func (t *twin) verdict(ctx context.Context, err error) error {
	here, _ := t.arrived()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case here:
		return errSelf
	case t.dialEnd == "" || ctx.Err() != nil:
		return err
	}
	return errTwin
}

// transportFor returns the transport for a, and a with its name resolved.
func (t *twin) transportFor(ctx context.Context, a ma.Multiaddr) (transport.Transport, ma.Multiaddr, error) {
	head, _ := ma.SplitFirst(a)
	if head != nil && isName(head.Protocol().Code) {
		ips, err := net.DefaultResolver.LookupIP(ctx, "ip"+strings.TrimPrefix(head.Protocol().Name, "dns"), head.Value())
		if err != nil {
			return nil, nil, err
		}
		a = withHost(a, ips[0].String())
	}
	if err := checkAddress(a); err != nil {
		return nil, nil, err
	}
	if sw, ok := t.h.Network().(*swarm.Swarm); ok {
		if way := sw.TransportForDialing(a); way != nil {
			return way, a, nil
		}
	}
	return nil, nil, fmt.Errorf("%s: no transport for this address", a)
}

// arrived reports whether the connection of the check in progress has arrived here. over is closed when that
// check must end.
func (t *twin) arrived() (here bool, over <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	here = t.dialEnd != "" && slices.ContainsFunc(t.arrivals, func(a ma.Multiaddr) bool { return endOf(a) == t.dialEnd || t.listensOn(a) })
	return here, t.dialDone
}

// warn logs that another node has this node's identity, every twinEvery for each host.
func (t *twin) warn(at ma.Multiaddr) {
	if t.onceIn("warn " + hostOf(at)) {
		t.log.Warn("another node has the same identity as this one, so they do not connect: "+
			"one data directory is a copy of the other. Stop one of the two nodes, delete its identity.key, start it again",
			"address", at, "peer", t.self, "identity", t.key)
	}
}

// onceIn reports whether the action was not done within twinEvery, and records it as done now.
func (t *twin) onceIn(what string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if last, ok := t.seen[what]; ok && now.Sub(last) < twinEvery {
		return false
	}
	if len(t.seen) >= maxTwins {
		clear(t.seen)
	}
	t.seen[what] = now
	return true
}
