package reach

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/protocol/autonatv2"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// How often addresses are tried.
const (
	tryEvery       = 2 * time.Second  // for an address that is due, while a peer can be asked
	reachableFor   = 10 * time.Minute // until a reached address is tried again: a router may drop its mapping
	unreachableFor = 2 * time.Minute  // until another address is tried again
	maxAddresses   = 16               // of those that this node announces
)

// Verdict is the result of a peer's dial of one address of this node.
type Verdict struct {
	Address ma.Multiaddr
	Reached bool
	Witness peer.ID
	At      time.Time
}

// Tracker keeps the latest verdict on each address.
type Tracker struct {
	cfg Config

	mu       sync.Mutex
	verdicts map[string]Verdict   // by current address of the host
	due      map[string]time.Time // when each is tried next
}

// Config is what a Tracker needs.
type Config struct {
	Host    host.Host
	Dialer  func() (host.Host, error) // makes the host that dials back for peers, which must not serve identify
	Ours    func(peer.ID) bool        // reports whether a connected peer is of our network
	Asked   func(peer.ID)             // called with the peer that is asked to dial back, and with "" when that is over; may be nil
	Private bool                      // use private addresses, too, and ask peers on the local network: for tests
	Log     *slog.Logger
}

// New returns a Tracker that does nothing before Run.
func New(cfg Config) *Tracker {
	return &Tracker{cfg: cfg, verdicts: make(map[string]Verdict), due: make(map[string]time.Time)}
}

// Run asks peers for dial-backs, and dials back for them, until ctx ends.
func (t *Tracker) Run(ctx context.Context) error {
	dialer, err := t.cfg.Dialer()
	if err != nil {
		return fmt.Errorf("make a host that dials for peers: %w", err)
	}
	var more []autonatv2.AutoNATOption
	if t.cfg.Private {
		more = append(more, autonatv2.AllowPrivateAddrs)
	}
	nat, err := autonatv2.New(dialer, more...)
	if err != nil {
		return errors.Join(fmt.Errorf("prepare AutoNATv2: %w", err), dialer.Close())
	}
	bus := eventbus.NewBus()
	tell, err := bus.Emitter(new(event.EvtPeerIdentificationCompleted))
	if err == nil {
		err = nat.Start(ourHost{t.cfg.Host, bus, t.cfg.Ours, t.asked})
	}
	if err != nil {
		return errors.Join(fmt.Errorf("start AutoNATv2: %w", err), dialer.Close())
	}
	defer nat.Close() // and the dialer
	look := time.NewTicker(tryEvery)
	defer look.Stop()
	for known := make(map[peer.ID]bool); ; {
		t.tryAll(ctx, nat)
		select {
		case <-look.C:
			known = t.introduce(known, tell)
		case <-ctx.Done():
			return nil
		}
	}
}

// introduce tells AutoNATv2 which peers can be asked now and could not before, or the other way round, and
// returns those that can.
func (t *Tracker) introduce(known map[peer.ID]bool, tell event.Emitter) map[peer.ID]bool {
	now := make(map[peer.ID]bool)
	for _, p := range t.cfg.Host.Network().Peers() {
		if t.counts(p) {
			now[p] = true
		}
	}
	for _, some := range []map[peer.ID]bool{known, now} {
		for p := range some {
			if known[p] != now[p] {
				_ = tell.Emit(event.EvtPeerIdentificationCompleted{Peer: p}) // it then looks up the peer's connections and protocols
			}
		}
	}
	return now
}

// counts reports whether p can be asked: it is of our network, serves AutoNATv2, and is outside the local network.
func (t *Tracker) counts(p peer.ID) bool {
	serves, err := t.cfg.Host.Peerstore().SupportsProtocols(p, autonatv2.DialProtocol)
	return err == nil && len(serves) > 0 && t.cfg.Ours(p) && (t.cfg.Private || slices.ContainsFunc(t.cfg.Host.Network().ConnsToPeer(p), func(c network.Conn) bool {
		return manet.IsPublicAddr(c.RemoteMultiaddr())
	}))
}

// Verdicts returns the verdicts on the current addresses, reached ones first, newest first among equals.
func (t *Tracker) Verdicts() []Verdict {
	addresses := t.addresses()
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []Verdict
	for _, a := range addresses {
		if v, ok := t.verdicts[a.String()]; ok {
			all = append(all, v)
		}
	}
	slices.SortStableFunc(all, func(a, b Verdict) int {
		switch {
		case a.Reached == b.Reached:
			return b.At.Compare(a.At)
		case a.Reached:
			return -1
		}
		return 1
	})
	return all
}

// Public reports whether this node has a public address.
func (t *Tracker) Public() bool { return len(t.addresses()) > 0 }

// addresses returns the host's addresses that may be tried.
func (t *Tracker) addresses() []ma.Multiaddr {
	all := slices.DeleteFunc(slices.Clone(t.cfg.Host.Addrs()), func(a ma.Multiaddr) bool { return !t.cfg.Private && !manet.IsPublicAddr(a) })
	return all[:min(len(all), maxAddresses)]
}

// next forgets addresses that the host no longer has, and returns those that are due.
func (t *Tracker) next(now time.Time) (due []ma.Multiaddr) {
	addresses := t.addresses()
	t.mu.Lock()
	defer t.mu.Unlock()
	here := make(map[string]bool)
	for _, a := range addresses {
		here[a.String()] = true
		if !now.Before(t.due[a.String()]) {
			due = append(due, a)
		}
	}
	for a := range t.due {
		if !here[a] {
			delete(t.due, a)
			delete(t.verdicts, a)
		}
	}
	return due
}

// tryAll has peers dial the addresses that are due, until no peer can be asked.
func (t *Tracker) tryAll(ctx context.Context, nat *autonatv2.AutoNAT) {
	for _, a := range t.next(time.Now()) {
		var witness peer.ID
		result, err := nat.GetReachability(context.WithValue(ctx, witnessKey{}, &witness), []autonatv2.Request{{Addr: a, SendDialData: true}})
		t.asked("")
		switch {
		case errors.Is(err, autonatv2.ErrNoPeers) || ctx.Err() != nil:
			return
		case err != nil:
			t.cfg.Log.Debug("address not tried from outside", "address", a, "peer", witness, "error", err)
		default:
			reached := result.Reachability == network.ReachabilityPublic
			t.note(Verdict{Address: a, Reached: reached, Witness: witness, At: time.Now()}, result.AllAddrsRefused)
		}
	}
}

// asked calls Config.Asked.
func (t *Tracker) asked(p peer.ID) {
	if t.cfg.Asked != nil {
		t.cfg.Asked(p)
	}
}

// note keeps a verdict, unless the peer could not try the address.
func (t *Tracker) note(v Verdict, untried bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key, wait := v.Address.String(), unreachableFor
	if v.Reached {
		wait = reachableFor
	}
	t.due[key] = v.At.Add(wait)
	if untried {
		return
	}
	before, known := t.verdicts[key]
	t.verdicts[key] = v
	if !known || before.Reached != v.Reached {
		if v.Reached {
			t.cfg.Log.Info("this node can be dialled from outside", "address", v.Address, "said_by", v.Witness)
		} else {
			t.cfg.Log.Info("this node cannot be dialled from outside", "address", v.Address, "said_by", v.Witness)
		}
	}
}

// witnessKey is the context key of a *peer.ID for the asked peer, which the library chooses.
type witnessKey struct{}

// ourHost is the host for AutoNATv2, with an event bus of its own: AutoNATv2 only learns of the peers that
// introduce tells it.
type ourHost struct {
	host.Host
	bus   event.Bus
	ours  func(peer.ID) bool
	asked func(peer.ID)
}

// EventBus returns that bus.
func (o ourHost) EventBus() event.Bus { return o.bus }

// NewStream opens a stream to p, and records that p is asked.
func (o ourHost) NewStream(ctx context.Context, p peer.ID, ids ...protocol.ID) (network.Stream, error) {
	if witness, ok := ctx.Value(witnessKey{}).(*peer.ID); ok {
		*witness = p
		o.asked(p)
	}
	return o.Host.NewStream(network.WithNoDial(ctx, "kuai asks connected peers only"), p, ids...)
}

// SetStreamHandler serves dial requests of peers of our network only. Dial-backs, which come from unknown ids,
// are served to all.
func (o ourHost) SetStreamHandler(id protocol.ID, handle network.StreamHandler) {
	if id == autonatv2.DialProtocol {
		inner := handle
		handle = func(st network.Stream) {
			if !o.ours(st.Conn().RemotePeer()) {
				_ = st.ResetWithError(network.StreamProtocolViolation)
				return
			}
			inner(st)
		}
	}
	o.Host.SetStreamHandler(id, handle)
}
