package p2ptest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/marcopolo/simnet"
	"github.com/quic-go/quic-go"
	"go.uber.org/fx"

	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
)

// firstPort is that of a host's first address. The swarm dials the lowest port first.
const firstPort = 8000

// linkSpeed is every node's, each way: a local network's.
const linkSpeed = 100 * simnet.Mibps

// wire carries packets between hosts, or drops them.
type wire struct {
	sim   *simnet.Simnet
	index map[string]int // host by IP

	mu   sync.Mutex
	open func(a, b int) bool // whether a packet from a gets to b
	loss float64
	rand *rand.Rand
}

func newWire(delay func(a, b int) time.Duration, far time.Duration, loss float64, seed uint64) *wire {
	w := &wire{index: make(map[string]int), loss: loss, rand: rand.New(rand.NewPCG(seed, seed))}
	w.sim = &simnet.Simnet{LatencyFunc: func(p *simnet.Packet) time.Duration {
		a, _ := w.at(p.From)
		b, _ := w.at(p.To)
		if isFirst(p.From) && isFirst(p.To) {
			return delay(a, b) + far
		}
		return delay(a, b)
	}}
	return w
}

// isFirst reports whether addr is a host's first address.
func isFirst(addr net.Addr) bool {
	udp, ok := addr.(*net.UDPAddr)
	return ok && udp.Port == firstPort
}

// at returns the host at an address.
func (w *wire) at(addr net.Addr) (i int, ok bool) {
	udp, ok := addr.(*net.UDPAddr)
	if !ok {
		return 0, false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	i, ok = w.index[udp.IP.String()]
	return i, ok
}

// passes decides on one packet.
func (w *wire) passes(from int, to net.Addr) bool {
	b, ok := w.at(to)
	w.mu.Lock()
	defer w.mu.Unlock()
	return ok && w.open(from, b) && (w.loss == 0 || w.rand.Float64() >= w.loss)
}

// set changes who reaches whom.
func (w *wire) set(open func(a, b int) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = open
}

// addresses are host i's two, in a /24 of its own: a daemon listens on more than one address, and a dial tries
// them in a race.
func addresses(i int) [2]net.IP {
	return [2]net.IP{simnet.IntToPublicIPv4(i << 8), simnet.IntToPublicIPv4(i<<8 + 1)}
}

// host makes host i, a new one or one that restarts, on the wire.
func (w *wire) host(i int, key crypto.PrivKey, more ...libp2p.Option) (host.Host, error) {
	var listen []string
	w.mu.Lock()
	for k, ip := range addresses(i) {
		w.index[ip.String()] = i
		listen = append(listen, fmt.Sprintf("/ip4/%s/udp/%d/quic-v1", ip, firstPort+k))
	}
	w.mu.Unlock()
	return libp2p.New(append(more,
		libp2p.Identity(key),
		libp2p.UserAgent(fmt.Sprintf("node-%d", i)),
		libp2p.ListenAddrStrings(listen...),
		libp2p.Transport(libp2pquic.NewTransport),
		w.quic(i),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
		libp2p.DisableIdentifyAddressDiscovery(),                                        // it stalls the bubble
		libp2p.UDPBlackHoleSuccessCounter(nil), libp2p.IPv6BlackHoleSuccessCounter(nil), // dials always, as a daemon's host
		libp2p.ResourceManager(&network.NullResourceManager{}),
	)...)
}

// quic makes libp2p's QUIC use the wire.
func (w *wire) quic(i int) libp2p.Option {
	ip := addresses(i)[0]
	opts := []quicreuse.Option{
		quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) { return source(ip), nil }),
		quicreuse.OverrideListenUDP(func(_ string, at *net.UDPAddr) (net.PacketConn, error) {
			settings := simnet.LinkSettings{BitsPerSecond: linkSpeed}
			link := simnet.NodeBiDiLinkSettings{Downlink: settings, Uplink: settings}
			return &plug{SimConn: w.sim.NewEndpoint(at, link), wire: w, from: i}, nil
		}),
	}
	return libp2p.QUICReuse(newConnManager, opts...)
}

// newConnManager is closed with the host.
func newConnManager(l fx.Lifecycle, reset quic.StatelessResetKey, token quic.TokenGeneratorKey, opts ...quicreuse.Option) (*quicreuse.ConnManager, error) {
	cm, err := quicreuse.NewConnManager(reset, token, opts...)
	if err != nil {
		return nil, err
	}
	l.Append(fx.StopHook(cm.Close))
	return cm, nil
}

// source is the one address that a host sends from.
type source net.IP

// PreferredSourceIPForDestination returns it.
func (s source) PreferredSourceIPForDestination(*net.UDPAddr) (net.IP, error) { return net.IP(s), nil }

// plug is a host's socket.
type plug struct {
	*simnet.SimConn
	wire *wire
	from int
}

// WriteTo sends a packet, or loses it in silence as a network does.
func (p *plug) WriteTo(b []byte, to net.Addr) (int, error) {
	if !p.wire.passes(p.from, to) {
		return len(b), nil
	}
	return p.SimConn.WriteTo(b, to)
}
