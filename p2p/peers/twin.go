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

// A copied data directory makes two nodes with one identity. Neither dials the other, as a host refuses to dial its own id, so
// they would stay apart in silence. The search for such a twin dials an address that names this node's id past that refusal.
// The handshake succeeds with this node and with its twin; it was this node if the handshake's other end came in here.
const (
	twinEvery   = 10 * time.Minute // between two warnings, or two looks, at one address
	twinArrives = 5 * time.Second  // for the other end of a handshake to come in here
	twinQueue   = 16               // addresses and connections that wait to be judged
	maxTwins    = 64               // addresses remembered
)

var (
	errSelf = errors.New("it is this node")
	errTwin = errors.New("another node has this node's identity")
)

// twin looks for a node with the identity of this one.
type twin struct {
	self   peer.ID
	key    string // path of the identity
	log    *slog.Logger
	h      host.Host         // set before the first look
	heard  chan ma.Multiaddr // where somebody says that this node is
	came   chan ma.Multiaddr // from where connections of this node's id came in
	noted  chan struct{}     // size one: in has changed
	single chan struct{}     // held by the look that is under way

	mu   sync.Mutex
	end  string               // local end of the handshake of the look that is under way, "" before it succeeds
	over <-chan struct{}      // closed when that look must end
	out  []string             // local ends of the looks so far, the newest last
	in   []ma.Multiaddr       // from where connections of this node's id came in since that look began
	seen map[string]time.Time // addresses that were looked at, and hosts that were warned of
}

func newTwin(self peer.ID, dir string, log *slog.Logger) *twin {
	return &twin{
		self: self, key: filepath.Join(dir, "identity.key"), log: log,
		heard: make(chan ma.Multiaddr, twinQueue), came: make(chan ma.Multiaddr, twinQueue),
		noted: make(chan struct{}, 1), single: make(chan struct{}, 1), seen: make(map[string]time.Time),
	}
}

// run judges until ctx ends what hear and secured have noted.
func (t *twin) run(ctx context.Context) {
	for {
		select {
		case a := <-t.heard:
			_ = t.look(ctx, []ma.Multiaddr{a})
		case a := <-t.came:
			if !t.dialledFrom(a) {
				pause(ctx, twinArrives) // the other end may be a look that has not been noted yet
			}
			if ctx.Err() == nil && !t.dialledFrom(a) {
				t.warn(a)
			}
		case <-ctx.Done():
			return
		}
	}
}

// secured is told by the connection gater that a handshake with this node's own id succeeded. The connection ends when it returns, so
// for one that a look dialled it waits until the other end has come in: a listener drops a QUIC connection that ends before it was taken.
func (t *twin) secured(dir network.Direction, c network.ConnMultiaddrs) {
	if dir == network.DirOutbound {
		t.dialled(c.LocalMultiaddr())
		t.waitArrived()
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.in = append(t.in, c.RemoteMultiaddr()); len(t.in) > maxTwins {
		t.in = t.in[1:]
	}
	signal(t.noted)
	select {
	case t.came <- c.RemoteMultiaddr():
	default:
	}
}

// dialled notes the local end of a look's connection.
func (t *twin) dialled(from ma.Multiaddr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = endOf(from)
	t.out = append(t.out, t.end)
	t.out = t.out[max(0, len(t.out)-maxTwins):]
}

// waitArrived returns when the other end of the look's connection has come in here, or will not.
func (t *twin) waitArrived() {
	late := time.NewTimer(twinArrives)
	defer late.Stop()
	for {
		here, over := t.arrived()
		if here {
			return
		}
		select {
		case <-t.noted:
		case <-late.C:
			return
		case <-over:
			return
		}
	}
}

// endOf names an end of a connection. A TCP port is chosen for each connection, and may survive a translation of addresses; a
// QUIC port is the one that the node listens on.
func endOf(a ma.Multiaddr) string {
	if port, err := a.ValueForProtocol(ma.P_TCP); err == nil {
		return "tcp " + port
	}
	return a.String()
}

// dialledFrom reports whether a look of this node came from a.
func (t *twin) dialledFrom(a ma.Multiaddr) bool {
	t.mu.Lock()
	own := slices.Contains(t.out, endOf(a))
	t.mu.Unlock()
	return own || t.listensOn(a)
}

// listensOn reports whether a is one of this node's own listen addresses.
func (t *twin) listensOn(a ma.Multiaddr) bool {
	own, err := t.h.Network().InterfaceListenAddresses()
	return err == nil && slices.ContainsFunc(own, a.Equal)
}

// hear notes addresses at which somebody says that this node is. Its own are passed over; the others are looked at once in a
// while.
func (t *twin) hear(addrs []ma.Multiaddr) {
	for _, a := range addrs[:min(len(addrs), maxBookAddrs)] {
		if t.h == nil || t.listensOn(a) || !t.due("look "+a.String()) {
			continue
		}
		select {
		case t.heard <- a:
		default:
		}
	}
}

// look dials the addresses of this node's id one after the other. It returns errSelf if only this node answers, errTwin if
// another one does at any of them, and else why nobody was reached.
func (t *twin) look(ctx context.Context, addrs []ma.Multiaddr) error {
	if t.h == nil {
		return errSelf // a host without our connection gater tells of no handshake
	}
	select {
	case t.single <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-t.single }()
	found := errors.New("no address that can be dialled")
	for _, a := range addrs {
		err := t.lookAt(ctx, a)
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

func (t *twin) lookAt(ctx context.Context, a ma.Multiaddr) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	way, at, err := t.way(ctx, a)
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.end, t.in, t.over = "", nil, ctx.Done()
	t.mu.Unlock()
	c, err := way.Dial(ctx, at, t.self)
	if err == nil { // never: the connection gater ends it
		_ = c.Close()
	}
	return t.found(ctx, err)
}

// found judges a look that has ended with err.
func (t *twin) found(ctx context.Context, err error) error {
	here, _ := t.arrived()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case here:
		return errSelf
	case t.end == "" || ctx.Err() != nil:
		return err
	}
	return errTwin
}

// way returns how to dial a, its name resolved.
func (t *twin) way(ctx context.Context, a ma.Multiaddr) (transport.Transport, ma.Multiaddr, error) {
	head, _ := ma.SplitFirst(a)
	if head != nil && slices.Contains([]int{ma.P_DNS, ma.P_DNS4, ma.P_DNS6}, head.Protocol().Code) {
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

// arrived reports whether the connection of the look under way has come in here. over is closed when that look must end.
func (t *twin) arrived() (here bool, over <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	here = t.end != "" && slices.ContainsFunc(t.in, func(a ma.Multiaddr) bool { return endOf(a) == t.end || t.listensOn(a) })
	return here, t.over
}

// warn names another node with this node's identity, once in a while for each host.
func (t *twin) warn(at ma.Multiaddr) {
	host := at.String()
	if ip, err := manet.ToIP(at); err == nil {
		host = ip.String()
	}
	if t.due("warn " + host) {
		t.log.Warn("another node has the same identity as this one, so they do not connect: "+
			"one data directory is a copy of the other. Stop one of the two nodes, delete its identity.key, start it again",
			"address", at, "peer", t.self, "identity", t.key)
	}
}

// due reports whether what has not been done within twinEvery, and notes that it is done now.
func (t *twin) due(what string) bool {
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
