//go:build linux

package netns

import (
	"context"
	"log/slog"
	"time"

	"kuai/chain"
	"kuai/chain/store"
	"kuai/p2p"
)

// crowd runs honest nodes, each with a chain of its own in memory, that know one peer. It is done when all are level with it.
func crowd(p part, t *tally) {
	each(p.Count, p.Count, func(int) { t.hold(visit(p)) })
}

// visit runs a node until it has a peer and the peer's blocks.
func visit(p part) (*p2p.Node, error) {
	rules, err := chain.ReadRules([]byte(networkFile))
	if err != nil {
		return nil, err
	}
	st, err := store.OpenMemory()
	if err != nil {
		return nil, err
	}
	c, err := chain.Open(st, rules, time.Now)
	if err != nil {
		return nil, err
	}
	key, err := p2p.EphemeralIdentity()
	if err != nil {
		return nil, err
	}
	n, err := p2p.New(p2p.Config{Identity: key, Peers: []string{p.To}}, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	go func() { _ = n.Run(context.Background()) }() // until the process is ended
	changed, stop := c.Watch()
	defer stop()
	late := time.After(settle)
	for c.Tip().Index == rules.Genesis.Index() {
		select {
		case <-changed:
		case <-late:
			return nil, context.DeadlineExceeded
		}
	}
	return n, nil
}
