package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"kuai/chain/consensus"
	"kuai/miner"
	"kuai/p2p"
	"kuai/rpc"
)

// network shows a p2p.Node to package rpc, which must not know it.
type network struct {
	*p2p.Node
	meter *syncMeter
}

// newNetwork measures the syncs of n once the meter runs.
func newNetwork(n *p2p.Node) network {
	return network{n, &syncMeter{look: func() rpc.SyncStatus {
		s := n.SyncStatus()
		return rpc.SyncStatus{Active: s.Active, Peer: s.Peer, Height: s.Height, Target: s.Target}
	}}}
}

func (n network) Peers() []rpc.Peer {
	var all []rpc.Peer
	for _, p := range n.Node.Peers() {
		all = append(all, rpc.Peer(p))
	}
	return all
}

func (n network) Reach() rpc.Reach { return rpc.Reach(n.Node.Reach()) }

func (n network) SyncStatus() rpc.SyncStatus { return n.meter.status() }

func (n network) Registered() []rpc.Registered {
	var all []rpc.Registered
	for _, r := range n.Node.Registered() {
		all = append(all, shown(r))
	}
	return all
}

func (n network) AskRegistered(ctx context.Context, each func(rpc.Registered)) {
	n.Node.AskRegistered(ctx, func(r p2p.Registered) { each(shown(r)) })
}

func shown(r p2p.Registered) rpc.Registered {
	return rpc.Registered{
		Address: r.Address, URL: r.URL, Kind: string(r.Kind), PeerID: r.PeerID, Connected: r.Connected, Answered: r.Answered, State: r.State,
		Reason: r.Reason,
		Status: r.Status, Next: r.Next,
	}
}

func (n network) Register(ctx context.Context, list []string) error {
	err := n.Node.Register(ctx, list)
	refused := (*p2p.RefusedError)(nil)
	switch {
	case errors.As(err, &refused):
		return (*rpc.RefusedNode)(refused)
	case errors.Is(err, p2p.ErrTooMany):
		return fmt.Errorf("%w: %w", rpc.ErrTooManyNodes, err)
	}
	return err
}

// askURL shows an Asker to package p2p.
func askURL(a *rpc.Asker) func(ctx context.Context, url string) (p2p.Answer, error) {
	return func(ctx context.Context, url string) (p2p.Answer, error) {
		said, err := a.Ask(ctx, url)
		switch {
		case errors.Is(err, rpc.ErrFlask):
			err = p2p.ErrFlask
		case errors.Is(err, rpc.ErrNoNode):
			err = fmt.Errorf("%w%s", p2p.ErrNoNode, strings.TrimPrefix(err.Error(), rpc.ErrNoNode.Error()))
		}
		return p2p.Answer(said), err
	}
}

// mining shows a miner.Miner to package rpc.
type mining struct{ *miner.Miner }

func (m mining) Mine(ctx context.Context) (*consensus.Block, error) {
	b, err := m.Miner.Mine(ctx)
	if errors.Is(err, miner.ErrBusy) {
		return nil, fmt.Errorf("%w: %w", rpc.ErrBusy, err)
	}
	return b, err
}

func (m mining) SetMode(mode string) error {
	parsed, err := miner.ParseMode(mode)
	if err != nil {
		return err
	}
	return m.Miner.SetMode(parsed)
}

func (m mining) Status() rpc.MinerStatus {
	s := m.Miner.Status()
	return rpc.MinerStatus{
		Mode: s.Mode.String(), Cores: s.Cores, Share: s.Share, Kernel: s.Kernel, Searching: s.Searching, Callers: s.Callers, Tries: s.Tries, Total: s.Total,
		Blocks: s.Blocks, Stale: s.Stale, Rate: s.Rate, Expected: s.Expected,
	}
}
