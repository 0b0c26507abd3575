package main

import (
	"context"
	"errors"
	"fmt"

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

// askURL shows a Prober to package p2p.
func askURL(p *rpc.Prober) func(ctx context.Context, url string) (p2p.Answer, error) {
	return func(ctx context.Context, url string) (p2p.Answer, error) {
		addrs, err := p.Resolve(ctx, url)
		if errors.Is(err, rpc.ErrFlask) {
			err = fmt.Errorf("%w: %w", p2p.ErrFlask, err)
		}
		return p2p.Answer{Addresses: addrs}, err
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
