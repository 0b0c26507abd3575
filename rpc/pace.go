package rpc

import (
	"time"

	"kuai/chain/consensus"
	"kuai/rpc/api"
)

// paceBlocks is how many of the last blocks the recent pace is the mean of.
const paceBlocks = 20

// recentPace is what the last blocks of a chain took in the mean.
type recentPace struct {
	tip     consensus.Hash
	seconds *float64 // nil before the third block
}

// Pace is how fast the blocks come up to the tip, nil on a classic network.
func (s *Server) Pace() *api.NodePace { return s.pace(s.chain.Tip()) }

// pace is how fast the blocks come, nil on a classic network.
func (s *Server) pace(tip consensus.Header) *api.NodePace {
	rules := s.chain.Rules()
	if !rules.IsSecure() {
		return nil
	}
	return &api.NodePace{BlockSeconds: int64(rules.BlockTime / time.Second), Recent: s.recent(tip), Tries: rules.TargetAfter(tip).Tries()}
}

// recent returns the mean time between the last blocks. The time of the first block says nothing of mining.
func (s *Server) recent(tip consensus.Header) *float64 {
	if known := s.lastPace.Load(); known != nil && known.tip == tip.Hash {
		return known.seconds
	}
	p := &recentPace{tip: tip.Hash}
	if n := min(tip.Index-2, paceBlocks); n > 0 {
		snap := s.chain.Snapshot()
		defer s.closeSnapshot(snap)
		if before, err := snap.At(tip.Index - n); err == nil {
			p.seconds = new((tip.Timestamp - before.Block.Header().Timestamp) / float64(n))
		}
	}
	s.lastPace.Store(p)
	return p.seconds
}
