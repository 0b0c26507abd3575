package chain

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"kuai/chain/consensus"
	"kuai/chain/store"
)

// BlockInfo is a block with what this node knows of it.
type BlockInfo struct {
	Block    *consensus.Block
	Active   bool // on the active chain
	From     string
	Received time.Time
}

// Block returns the held block with hash h, or ErrNotFound.
func (c *Chain) Block(h consensus.Hash) (BlockInfo, error) {
	s := c.Snapshot()
	defer s.Close()
	return s.Block(h)
}

// At returns the block at index on the active chain, or ErrNotFound.
func (c *Chain) At(index int64) (BlockInfo, error) {
	s := c.Snapshot()
	defer s.Close()
	return s.At(index)
}

func (c *Chain) blockInfo(v view, p store.Position, active bool) (BlockInfo, error) {
	b, err := c.read(v.Reader, p)
	if err != nil {
		return BlockInfo{}, err
	}
	return BlockInfo{Block: b.Block, Active: active, From: c.senders.name(b.origin.From), Received: time.UnixMilli(b.origin.Received)}, nil
}

// Has reports whether the block with hash h is held. A store that cannot be read holds nothing.
func (c *Chain) Has(h consensus.Hash) bool {
	_, ok, err := c.store.Position(h)
	return ok && err == nil
}

// Forks lists the side branches, longest first; of equally long ones the first seen first.
func (c *Chain) Forks() []Fork {
	v, tips := c.sideTips()
	defer v.Close()
	var forks []Fork
	for _, t := range tips {
		point, err := c.read(v.Reader, t.fork)
		if err != nil {
			continue // a damaged block: Verify names it
		}
		forks = append(forks, Fork{Tip: t.tip, Point: point.Header()})
	}
	slices.SortStableFunc(forks, func(a, b Fork) int { return cmp.Compare(b.Tip.Index, a.Tip.Index) })
	return forks
}

// Fork is the tip of a side branch and the last block that it shares with the active chain.
type Fork struct{ Tip, Point consensus.Header }

// sideTip is a side block without a child, and where its branch leaves the active chain.
type sideTip struct {
	tip  consensus.Header
	fork store.Position
}

// sideTips lists the side blocks without a child, by branch, and the state that they are of.
func (c *Chain) sideTips() (v view, tips []sideTip) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	children := c.sides.children()
	for _, n := range slices.Sorted(maps.Keys(c.sides.branches)) {
		end := store.Position{Branch: n, Index: c.sides.branches[n].tip.Index}
		if len(children[end]) == 0 {
			tips = append(tips, sideTip{c.sides.branches[n].tip, c.sides.path(end).fork()})
		}
	}
	return c.viewLocked(), tips
}
