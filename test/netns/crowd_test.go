//go:build linux

package netns

import (
	"context"
	"log/slog"
	"time"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/chain/store"
	"kuai/p2p"
)

// crowd runs honest nodes, each with a chain of its own in memory, that know one peer. It is done when all are level with it.
func crowd(p part, t *tally) {
	each(p.Count, p.Count, func(int) { t.hold(visit(p)) })
}

// visit runs a node until it has the peer's blocks.
func visit(p part) (*p2p.Node, error) {
	n, c, err := member("", p2p.Config{Peers: []string{p.To}})
	if err != nil {
		return nil, err
	}
	changed, stop := c.Watch()
	defer stop()
	late := time.After(settle)
	for c.Tip().Index == c.Rules().Genesis.Index() {
		select {
		case <-changed:
		case <-late:
			return nil, context.DeadlineExceeded
		}
	}
	return n, nil
}

// member runs a node, until the process is ended, with its chain in a directory, or in memory where that is "".
func member(dir string, cfg p2p.Config) (*p2p.Node, *chain.Chain, error) {
	rules, err := consensus.ReadRules([]byte(networkFile))
	if err != nil {
		return nil, nil, err
	}
	st, err := openStore(dir)
	if err != nil {
		return nil, nil, err
	}
	c, err := chain.Open(st, rules, time.Now)
	if err != nil {
		return nil, nil, err
	}
	if cfg.Identity, err = p2p.EphemeralIdentity(); err != nil {
		return nil, nil, err
	}
	n, err := p2p.New(cfg, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	go func() { _ = n.Run(context.Background()) }()
	return n, c, nil
}

func openStore(dir string) (*store.Store, error) {
	if dir == "" {
		return store.OpenMemory()
	}
	return store.Open(dir)
}
