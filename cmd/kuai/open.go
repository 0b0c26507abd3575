package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/chain/store"
	"kuai/p2p"
	"kuai/rpc"
)

// withChain opens the chain in cfg's data directory for as long as use runs, and keeps other processes out meanwhile. A reader of
// this process's output that ends doesn't end the process: the store must be closed.
func withChain(cfg Config, r *consensus.Rules, log *slog.Logger, use func(*chain.Chain) error) (err error) {
	outlivePipes()
	defer func() { err = withRemedy(cfg, err) }()
	unlock, err := lockData(cfg)
	if err != nil {
		return err
	}
	defer unlock()
	st, err := openStore(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	now := time.Now
	if cfg.clock != nil {
		now = cfg.clock.now
	}
	c, err := chain.Open(st, r, now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(c.Close(), err) }() // the chain's failure first: the node's may come of the same disk
	defer runChain(c, log)()
	return use(c)
}

// runChain does what goes on behind the chain until stop is called, which is when nothing uses the chain any more.
func runChain(c *chain.Chain, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := c.Run(ctx); err != nil {
			log.Error("nothing more is accepted until a restart, what only reads is answered: make room or mend the disk", "error", err)
		}
	})
	return func() { cancel(); running.Wait() }
}

// lockData locks the data directory until unlock. An ephemeral node has none.
func lockData(cfg Config) (unlock func(), err error) {
	if cfg.Ephemeral {
		return func() {}, nil
	}
	return lockDir(cfg.DataDir)
}

func openStore(cfg Config) (*store.Store, error) {
	if cfg.Ephemeral {
		return store.OpenMemory()
	}
	return store.Open(filepath.Join(cfg.DataDir, "store"))
}

func identity(cfg Config) (crypto.PrivKey, error) {
	if cfg.Ephemeral {
		return p2p.EphemeralIdentity()
	}
	key, err := p2p.LoadIdentity(filepath.Join(cfg.DataDir, "identity.key"))
	var file *fs.PathError
	if err != nil && !errors.As(err, &file) { // it was read, and is not a key
		err = remediedError{fmt.Errorf("%w: %w\nPut a copy of the file back, or delete it: the node gets a new address then", chain.ErrDamaged, err)}
	}
	return key, err
}

// networkConfig reads the node's identity, and tells the network the rest.
func networkConfig(cfg Config, swarmKey []byte, metrics *prometheus.Registry) (p2p.Config, error) {
	key, err := identity(cfg)
	if err != nil {
		return p2p.Config{}, err
	}
	program, lab := agent(), (*p2p.Lab)(nil)
	if cfg.Lab {
		lab, program = p2p.NewLab(), program+" (lab)" // peers' pages warn of it
	}
	return p2p.Config{
		Lab:        lab,
		Teacher:    cfg.teacher(),
		Identity:   key,
		Name:       cfg.Name,
		Listen:     cfg.Listen,
		Announce:   cfg.Announce,
		Peers:      cfg.Peers,
		MDNS:       cfg.MDNS,
		DHT:        cfg.DHT,
		NAT:        cfg.NAT,
		QUIC:       cfg.QUIC,
		SwarmKey:   swarmKey,
		Dir:        cfg.DataDir,
		Agent:      program,
		AskURL:     askURL(rpc.NewAsker(agent())),
		Registerer: metrics,
	}, nil
}

func serverConfig(cfg Config, token string, webhookSecret []byte, metrics *prometheus.Registry) rpc.Config {
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	c := rpc.Config{
		Name:          cfg.Name,
		Hosts:         cfg.hosts(),
		Version:       version(),
		Agent:         agent(),
		Metrics:       promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}),
		Token:         token,
		Origins:       cfg.CORSOrigins,
		LogRequests:   cfg.LogRequests,
		Registerer:    metrics,
		Webhooks:      cfg.Webhooks,
		WebhookSecret: webhookSecret,
	}
	if cfg.APIAuth == authLocal {
		c.TokenFor = rpc.TokenForAll
	}
	return c
}

func closeAll(lns []net.Listener) {
	for _, l := range lns {
		l.Close() // closed already, where it was served
	}
}

func describeNode(c *chain.Chain, n *p2p.Node, lns []net.Listener) nodeFile {
	return nodeFile{
		PID:       os.Getpid(),
		Version:   version(),
		Network:   c.Rules().Name,
		NetworkID: c.Rules().Network(),
		Genesis:   c.Rules().Genesis.Hash().String(),
		PeerID:    n.ID(),
		Addresses: n.Addresses(),
		API:       urls(lns),
	}
}
