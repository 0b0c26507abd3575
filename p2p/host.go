package p2p

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/pnet"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	libp2pconnmgr "github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	ma "github.com/multiformats/go-multiaddr"

	"kuai/p2p/peers"
)

// newHost listens on cfg.Listen with the transports that kuai speaks and no others.
func newHost(cfg Config, g connmgr.ConnectionGater, log *slog.Logger) (host.Host, error) {
	bridgeLogs(log)
	opts, err := hostOptions(cfg, g)
	if err != nil {
		return nil, err
	}
	cm, err := libp2pconnmgr.NewConnManager(lowWater, highWater, libp2pconnmgr.WithGracePeriod(grace))
	if err != nil {
		return nil, err
	}
	rm, err := newResourceManager()
	if err != nil {
		return nil, errors.Join(err, cm.Close())
	}
	h, err := libp2p.New(append(opts, mapPort(cfg, log), libp2p.ConnectionManager(cm), libp2p.ResourceManager(&frankManager{ResourceManager: rm, log: log}))...)
	if err != nil {
		return nil, errors.Join(err, cm.Close(), rm.Close())
	}
	if err := listen(h, cfg); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// listen opens cfg.Listen. The host is made without: a host whose listening fails inside libp2p.New is never closed whole.
func listen(h host.Host, cfg Config) error {
	addrs, err := peers.ParseAddrs(cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen address: %w", err)
	}
	if err := h.Network().Listen(addrs...); err != nil {
		return fmt.Errorf("listen for peers on %q: %w", cfg.Listen, err)
	}
	return nil
}

// selfOf returns the peer id that cfg makes.
func selfOf(cfg Config) (peer.ID, error) {
	if cfg.Identity == nil {
		return "", errors.New("p2p: Config.Identity is missing")
	}
	return peer.IDFromPrivateKey(cfg.Identity)
}

// hostOptions are all but the managers, which run from the moment that they are made.
func hostOptions(cfg Config, g connmgr.ConnectionGater) ([]libp2p.Option, error) {
	opts := []libp2p.Option{
		libp2p.Identity(cfg.Identity),
		libp2p.UserAgent(cfg.Agent),
		libp2p.NoListenAddrs, // newHost listens when the host is whole
		libp2p.ConnectionGater(g),
		libp2p.DisableRelay(),
		libp2p.DisableIdentifyAddressDiscovery(), // --announce says what peers cannot guess
		DialAlways(),
		metricsOption(cfg),
	}
	for _, more := range []func(Config) (libp2p.Option, error){transports, announce, swarmKey} {
		o, err := more(cfg)
		if err != nil {
			return nil, err
		}
		opts = append(opts, o)
	}
	return opts, nil
}

// DialAlways makes a host dial every address that it is told to dial. By default libp2p stops dialling public QUIC or IPv6 addresses
// after 100 dials with fewer than 5 successes, and then tries one dial in 100. An outage of little more than a minute reaches that
// count, and so do 100 dead addresses from a hostile peer. kuai paces and bounds its dials itself.
func DialAlways() libp2p.Option {
	return libp2p.ChainOptions(libp2p.UDPBlackHoleSuccessCounter(nil), libp2p.IPv6BlackHoleSuccessCounter(nil))
}

func metricsOption(cfg Config) libp2p.Option {
	if cfg.Registerer == nil {
		return libp2p.DisableMetrics()
	}
	return libp2p.PrometheusRegisterer(cfg.Registerer)
}

// transports: TCP always; QUIC where asked for, as it carries less and wins the dial race.
func transports(cfg Config) (libp2p.Option, error) {
	opts := []libp2p.Option{
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()), // a port that is taken is an error
		libp2p.Security(noise.ID, noise.New),
		libp2p.Security(libp2ptls.ID, libp2ptls.New),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
	}
	if cfg.QUIC {
		opts = append(opts, libp2p.Transport(libp2pquic.NewTransport))
	}
	more, err := websockets(cfg)
	return libp2p.ChainOptions(append(opts, more...)...), err
}

// websockets adds the transport of browsers if cfg.Listen names it: a multiaddr that ends in /ws. It may use the port of plain TCP, too. Then the
// first bytes of a connection tell them apart, which a swarm key hides.
func websockets(cfg Config) (opts []libp2p.Option, err error) {
	var shared bool
	for _, text := range cfg.Listen {
		if plain, ok := strings.CutSuffix(text, "/ws"); ok {
			opts = []libp2p.Option{libp2p.Transport(websocket.New)}
			shared = shared || slices.Contains(cfg.Listen, plain)
		}
	}
	if shared {
		opts = append(opts, libp2p.ShareTCPListener())
		if cfg.SwarmKey != nil {
			return nil, errors.New("with a swarm key, WebSocket cannot share a port with TCP: give the /ws address another port")
		}
	}
	return opts, nil
}

// announce tells peers cfg.Announce in place of what the host listens on.
func announce(cfg Config) (libp2p.Option, error) {
	addrs, err := peers.ParseAddrs(cfg.Announce)
	if err != nil {
		return nil, fmt.Errorf("announce address: %w", err)
	}
	return libp2p.AddrsFactory(func(own []ma.Multiaddr) []ma.Multiaddr {
		if len(addrs) > 0 {
			return addrs
		}
		return own
	}), nil
}

// swarmKey closes the network to hosts without the key. QUIC cannot carry it.
func swarmKey(cfg Config) (libp2p.Option, error) {
	if cfg.SwarmKey == nil {
		return libp2p.ChainOptions(), nil
	}
	if cfg.QUIC {
		return nil, errors.New("a swarm key works over TCP only: leave out QUIC")
	}
	psk, err := pnet.DecodeV1PSK(bytes.NewReader(cfg.SwarmKey))
	if err != nil {
		return nil, fmt.Errorf("swarm key: %w (its first line is /key/swarm/psk/1.0.0/)", err)
	}
	return libp2p.PrivateNetwork(psk), nil
}
