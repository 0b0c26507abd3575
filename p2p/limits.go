package p2p

import (
	"log/slog"
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/libp2p/go-libp2p/x/rate"
	ma "github.com/multiformats/go-multiaddr"
)

// Limits of the host. They are fixed: scaling by memory would read the machine's, not the container's.
const (
	maxConns        = 256 // about 100 KB each, at most
	maxConnsInbound = 192 // the rest is reserved for dials
	maxStreams      = 4096
	maxStreamMemory = 512 << 20 // windows promised to peers, hardly ever filled
	maxPeerStreams  = 128       // of one peer
	maxPeerConns    = 8         // of one peer: simultaneous dials open two
	maxPending      = 128       // connections in their handshake
	maxPendingMem   = 64 << 20

	maxPeers  = 160 // peers; when there are so many, others that dial this node are refused
	lowWater  = 168 // connections that the connection manager leaves open, without those of protected peers: some peers have two
	highWater = 184
	grace     = 20 * time.Second // for a new connection to prove useful

	// Behind Docker's NAT all peers have the same address, so the limit of an address must suffice for many.
	maxPublicConns = 64 // of one public address
	publicBurst    = 64 // new connections of one public address at once,
	publicRate     = 2  // and then each second
)

// privateNets are addresses without a limit for each: a LAN, or a whole network behind a bridge.
var privateNets = []string{
	"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
	"::1/128", "fc00::/7", "fe80::/10",
}

// newResourceManager returns a resource manager with the limits of all peers together and of each one.
func newResourceManager() (network.ResourceManager, error) {
	base := rcmgr.DefaultLimits
	limitServices(&base)
	limits := systemLimits().Build(base.Scale(0, 0))
	nets4, nets6 := prefixLimits()
	return rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits),
		rcmgr.WithNetworkPrefixLimit(nets4, nets6),
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: maxPublicConns}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: maxPublicConns}}),
		rcmgr.WithConnRateLimiters(connRates()))
}

// limitServices limits the protocols that libp2p itself serves, with libp2p's default limits.
func limitServices(base *rcmgr.ScalingLimitConfig) {
	none := rcmgr.BaseLimitIncrease{}
	all := rcmgr.BaseLimit{StreamsInbound: 64, StreamsOutbound: 64, Streams: 128, Memory: 4 << 20}
	base.AddServiceLimit(identify.ServiceName, all, none)
	base.AddServicePeerLimit(identify.ServiceName, rcmgr.BaseLimit{StreamsInbound: 16, StreamsOutbound: 16, Streams: 32, Memory: 1 << 20}, none)
	for _, id := range []protocol.ID{identify.ID, identify.IDPush} {
		base.AddProtocolLimit(id, all, none)
		base.AddProtocolPeerLimit(id, rcmgr.BaseLimit{StreamsInbound: 16, StreamsOutbound: 16, Streams: 32, Memory: 32 * (256<<20 + 16<<10)}, none)
	}
	all.Streams = 64
	base.AddServiceLimit(ping.ServiceName, all, none)
	base.AddProtocolLimit(ping.ID, all, none)
	each := rcmgr.BaseLimit{StreamsInbound: 2, StreamsOutbound: 3, Streams: 4, Memory: 32 * (256<<20 + 16<<10)}
	base.AddServicePeerLimit(ping.ServiceName, each, none)
	base.AddProtocolPeerLimit(ping.ID, each, none)
}

func systemLimits() rcmgr.PartialLimitConfig {
	return rcmgr.PartialLimitConfig{
		System: rcmgr.ResourceLimits{
			Conns: maxConns, ConnsInbound: maxConnsInbound, ConnsOutbound: maxConns, FD: maxConns,
			Streams: maxStreams, StreamsInbound: maxStreams, StreamsOutbound: maxStreams, Memory: maxStreamMemory,
		},
		Transient: rcmgr.ResourceLimits{
			Conns: maxPending, ConnsInbound: maxPending, ConnsOutbound: maxPending, FD: maxPending,
			Streams: 2 * maxPending, StreamsInbound: 2 * maxPending, StreamsOutbound: 2 * maxPending, Memory: maxPendingMem,
		},
		ProtocolDefault:     allStreams(maxStreams, maxStreamMemory),
		ProtocolPeerDefault: allStreams(maxPeerStreams, maxStreamMemory),
		PeerDefault: rcmgr.ResourceLimits{
			Conns: maxPeerConns, ConnsInbound: maxPeerConns, ConnsOutbound: maxPeerConns, FD: maxPeerConns,
			Streams: maxPeerStreams, StreamsInbound: maxPeerStreams, StreamsOutbound: maxPeerStreams, Memory: 64 << 20,
		},
	}
}

func allStreams(n rcmgr.LimitVal, memory rcmgr.LimitVal64) rcmgr.ResourceLimits {
	return rcmgr.ResourceLimits{Streams: n, StreamsInbound: n, StreamsOutbound: n, Memory: memory}
}

// prefixLimits lifts the limit on connections for private networks.
func prefixLimits() (v4, v6 []rcmgr.NetworkPrefixLimit) {
	for _, s := range privateNets {
		l := rcmgr.NetworkPrefixLimit{Network: netip.MustParsePrefix(s), ConnCount: math.MaxInt}
		if l.Network.Addr().Is4() {
			v4 = append(v4, l)
		} else {
			v6 = append(v6, l)
		}
	}
	return v4, v6
}

// connRates bounds how fast one public address may open connections.
func connRates() *rate.Limiter {
	public := rate.Limit{RPS: publicRate, Burst: publicBurst}
	l := &rate.Limiter{SubnetRateLimiter: rate.SubnetLimiter{
		IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: public}},
		IPv6SubnetLimits: []rate.SubnetLimit{{PrefixLength: 56, Limit: public}},
		GracePeriod:      time.Minute,
	}}
	for _, s := range privateNets {
		l.NetworkPrefixLimits = append(l.NetworkPrefixLimits, rate.PrefixLimit{Prefix: netip.MustParsePrefix(s)})
	}
	return l
}

// limitLogEvery is how often the log says that a limit refuses connections.
const limitLogEvery = time.Minute

// loggingManager is a resource manager that logs refused connections.
type loggingManager struct {
	network.ResourceManager
	log *slog.Logger

	mu   sync.Mutex
	said time.Time
}

// OpenConnection admits a connection, or logs why not, at most every limitLogEvery.
func (m *loggingManager) OpenConnection(dir network.Direction, usefd bool, at ma.Multiaddr) (network.ConnManagementScope, error) {
	scope, err := m.ResourceManager.OpenConnection(dir, usefd, at)
	if err == nil {
		return scope, nil
	}
	m.mu.Lock()
	again := time.Since(m.said) < limitLogEvery
	if !again {
		m.said = time.Now()
	}
	m.mu.Unlock()
	if !again {
		m.log.Warn("connection refused by a limit of this node", "address", at, "error", err)
	}
	return scope, err
}
