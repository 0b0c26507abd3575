package p2p

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/pnet"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/core/transport"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	libp2pconnmgr "github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	tptu "github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/tcpreuse"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/quic-go/quic-go"

	"kuai/p2p/peers"
)

// newHost listens on cfg.Listen with the transports that kuai speaks and no others.
func newHost(cfg Config, g connmgr.ConnectionGater, log *slog.Logger) (host.Host, error) {
	bridgeLogs(log)
	cm, err := libp2pconnmgr.NewConnManager(lowWater, highWater, libp2pconnmgr.WithGracePeriod(grace))
	if err != nil {
		return nil, err
	}
	rm, err := newResourceManager()
	if err != nil {
		return nil, errors.Join(err, cm.Close())
	}
	if cfg.Registerer != nil {
		rcmgr.MustRegisterWith(cfg.Registerer)
	}
	h, err := buildHost(cfg, g, &loggingManager{ResourceManager: rm, log: log}, &basichost.HostOpts{ConnManager: cm, UserAgent: cfg.Agent, NATManager: mapPort(cfg, log)})
	if err != nil {
		return nil, errors.Join(err, cm.Close(), rm.Close())
	}
	if err := listen(h, cfg); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// listen opens cfg.Listen.
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

// selfOf returns the peer id of cfg's identity.
func selfOf(cfg Config) (peer.ID, error) {
	if cfg.Identity == nil {
		return "", errors.New("p2p: Config.Identity is missing")
	}
	return peer.IDFromPrivateKey(cfg.Identity)
}

// quicHost is a host and the sockets to close after it.
type quicHost struct {
	*basichost.BasicHost
	quic *quicreuse.ConnManager // nil without QUIC
}

// Close closes the host and the sockets that QUIC shares.
func (h *quicHost) Close() error {
	err := h.BasicHost.Close()
	if h.quic != nil {
		err = errors.Join(err, h.quic.Close())
	}
	return err
}

// buildHost returns a host that does not listen yet, built from the parts of libp2p that kuai uses. libp2p.New
// would link every transport: a third of the packages, and most of a minute of a first build.
func buildHost(cfg Config, g connmgr.ConnectionGater, rm network.ResourceManager, opts *basichost.HostOpts) (_ host.Host, err error) {
	self, err := selfOf(cfg)
	if err != nil {
		return nil, err
	}
	if opts.AddrsFactory, err = announce(cfg); err != nil {
		return nil, err
	}
	book, err := pstoremem.NewPeerstore()
	if err != nil {
		return nil, err
	}
	var busOptions []eventbus.Option
	swarmOptions := append(noBlackHoleDetection(), swarm.WithConnectionGater(g), swarm.WithResourceManager(rm))
	if cfg.Registerer != nil {
		busOptions = append(busOptions, eventbus.WithMetricsTracer(eventbus.NewMetricsTracer(eventbus.WithRegisterer(cfg.Registerer))))
		swarmOptions = append(swarmOptions, swarm.WithMetricsTracer(swarm.NewMetricsTracer(swarm.WithRegisterer(cfg.Registerer))))
		opts.EnableMetrics, opts.PrometheusRegisterer = true, cfg.Registerer
	}
	opts.EventBus, opts.EnablePing = eventbus.NewBus(busOptions...), true
	if err := errors.Join(book.AddPrivKey(self, cfg.Identity), book.AddPubKey(self, cfg.Identity.GetPublic())); err != nil {
		return nil, errors.Join(err, book.Close())
	}
	s, err := swarm.NewSwarm(self, book, opts.EventBus, swarmOptions...)
	if err != nil {
		return nil, errors.Join(err, book.Close())
	}
	h := &quicHost{}
	if h.quic, err = addTransports(s, cfg, g, rm); err == nil {
		h.BasicHost, err = basichost.NewHost(s, opts)
	}
	if err != nil {
		err = errors.Join(err, s.Close(), book.Close())
		if h.quic != nil {
			err = errors.Join(err, h.quic.Close())
		}
		return nil, err
	}
	h.Start()
	return h, nil
}

// noBlackHoleDetection makes a host dial every address. By default libp2p stops dialling public QUIC or IPv6
// addresses after 100 dials with fewer than 5 successes, and then tries one dial in 100. An outage of little
// more than a minute causes that, and so do 100 dead addresses from a hostile peer. kuai paces and bounds its
// dials itself.
func noBlackHoleDetection() []swarm.Option {
	return []swarm.Option{swarm.WithUDPBlackHoleSuccessCounter(nil), swarm.WithIPv6BlackHoleSuccessCounter(nil)}
}

// addTransports adds TCP and WebSocket, and QUIC only if cfg asks for it, as it has less throughput and would
// win the dial race. The owner of s closes the result after s.
func addTransports(s *swarm.Swarm, cfg Config, g connmgr.ConnectionGater, rm network.ResourceManager) (*quicreuse.ConnManager, error) {
	psk, err := swarmKey(cfg)
	if err != nil {
		return nil, err
	}
	shared, err := sharesPort(cfg)
	if err != nil {
		return nil, err
	}
	up, err := upgrader(cfg, psk, g, rm)
	if err != nil {
		return nil, err
	}
	var port *tcpreuse.ConnMgr
	if shared {
		port = tcpreuse.NewConnMgr(tcpreuse.EnvReuseportVal, up)
	}
	t, err := tcp.NewTCPTransport(up, rm, port, tcp.DisableReuseport()) // a port that is taken is an error
	if err == nil {
		err = s.AddTransport(t)
	}
	if err == nil {
		err = addWebSocket(s, up, rm, port)
	}
	if err != nil || !cfg.QUIC {
		return nil, err
	}
	return addQUIC(s, cfg, g, rm)
}

// upgrader returns the upgrader of plain connections to encrypted, multiplexed ones.
func upgrader(cfg Config, psk pnet.PSK, g connmgr.ConnectionGater, rm network.ResourceManager) (transport.Upgrader, error) {
	muxers := []tptu.StreamMuxer{{ID: yamux.ID, Muxer: yamux.DefaultTransport}}
	n, err := noise.New(noise.ID, cfg.Identity, muxers)
	if err != nil {
		return nil, err
	}
	t, err := libp2ptls.New(libp2ptls.ID, cfg.Identity, muxers)
	if err != nil {
		return nil, err
	}
	return tptu.New([]sec.SecureTransport{n, t}, muxers, psk, rm, g)
}

func addWebSocket(s *swarm.Swarm, up transport.Upgrader, rm network.ResourceManager, port *tcpreuse.ConnMgr) error {
	t, err := websocket.New(up, rm, port)
	if err != nil {
		return err
	}
	return s.AddTransport(t)
}

// addQUIC adds a QUIC transport that counts a connection from its first packet on, as TCP does. The keys are
// derived from the identity, so a restarted node can reset its peers' old connections at once.
func addQUIC(s *swarm.Swarm, cfg Config, g connmgr.ConnectionGater, rm network.ResourceManager) (*quicreuse.ConnManager, error) {
	secret, err := cfg.Identity.Raw()
	if err != nil {
		return nil, err
	}
	reset, err := hkdf.Key(sha256.New, secret, nil, "libp2p quic stateless reset key", len(quic.StatelessResetKey{}))
	if err != nil {
		return nil, err
	}
	token, err := hkdf.Key(sha256.New, secret, nil, "libp2p quic token generator key", len(quic.TokenGeneratorKey{}))
	if err != nil {
		return nil, err
	}
	opts := []quicreuse.Option{
		quicreuse.VerifySourceAddress(rm.VerifySourceAddress),
		quicreuse.ConnContext(func(ctx context.Context, from *quic.ClientInfo) (context.Context, error) {
			at, err := quicreuse.ToQuicMultiaddr(from.RemoteAddr, quic.Version1)
			if err != nil {
				at = nil // the resource manager decides
			}
			scope, err := rm.OpenConnection(network.DirInbound, false, at)
			if err != nil {
				return ctx, err
			}
			ctx = network.WithConnManagementScope(ctx, scope)
			context.AfterFunc(ctx, scope.Done)
			return ctx, nil
		}),
	}
	if cfg.Registerer != nil {
		opts = append(opts, quicreuse.EnableMetrics(cfg.Registerer))
	}
	shared, err := quicreuse.NewConnManager(quic.StatelessResetKey(reset), quic.TokenGeneratorKey(token), opts...)
	if err != nil {
		return nil, err
	}
	t, err := libp2pquic.NewTransport(cfg.Identity, shared, nil, g, rm)
	if err == nil {
		err = s.AddTransport(t)
	}
	return shared, err
}

// sharesPort reports whether WebSocket shares a port with plain TCP in cfg.Listen. Then the first bytes of a
// connection tell the two apart, which a swarm key would hide.
func sharesPort(cfg Config) (shared bool, err error) {
	for _, text := range cfg.Listen {
		plain, ok := strings.CutSuffix(text, "/ws")
		shared = shared || ok && slices.Contains(cfg.Listen, plain)
	}
	if shared && cfg.SwarmKey != nil {
		return false, errors.New("with a swarm key, WebSocket cannot share a port with TCP: give the /ws address another port")
	}
	return shared, nil
}

// announce makes a host announce cfg.Announce in place of its listen addresses.
func announce(cfg Config) (basichost.AddrsFactory, error) {
	addrs, err := peers.ParseAddrs(cfg.Announce)
	if err != nil {
		return nil, fmt.Errorf("announce address: %w", err)
	}
	return func(own []ma.Multiaddr) []ma.Multiaddr {
		if len(addrs) > 0 {
			return addrs
		}
		return own
	}, nil
}

// swarmKey decodes cfg.SwarmKey, which closes the network to hosts without it. QUIC does not support it.
func swarmKey(cfg Config) (pnet.PSK, error) {
	if cfg.SwarmKey == nil {
		return nil, nil
	}
	if cfg.QUIC {
		return nil, errors.New("a swarm key works over TCP only: leave out QUIC")
	}
	psk, err := pnet.DecodeV1PSK(bytes.NewReader(cfg.SwarmKey))
	if err != nil {
		return nil, fmt.Errorf("swarm key: %w (its first line is /key/swarm/psk/1.0.0/)", err)
	}
	return psk, nil
}
