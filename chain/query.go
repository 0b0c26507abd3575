package chain

import (
	"cmp"
	"crypto/sha256"
	"iter"
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
	return BlockInfo{Block: b.Block, Active: active, From: string(b.Origin.From), Received: time.UnixMilli(b.Origin.Received)}, nil
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

// Lengths of a locator.
const (
	locatorRun = 10 // newest hashes without gaps
	MaxLocator = 64
)

// Snapshot is the active chain as it was when it was made; it holds resources until Close.
type Snapshot struct {
	chain *Chain
	v     view
}

// Snapshot returns the active chain as it is now.
func (c *Chain) Snapshot() *Snapshot { return &Snapshot{chain: c, v: c.view()} }

// Tip returns the snapshot's last block.
func (s *Snapshot) Tip() consensus.Header { return s.v.tip }

// Close releases the snapshot.
func (s *Snapshot) Close() error { return s.v.Close() }

// Block returns the held block with hash h, or ErrNotFound.
func (s *Snapshot) Block(h consensus.Hash) (BlockInfo, error) {
	p, ok, err := s.v.Position(h)
	if err != nil {
		return BlockInfo{}, err
	}
	if !ok {
		return BlockInfo{}, ErrNotFound
	}
	active, err := s.v.active(p)
	if err != nil {
		return BlockInfo{}, err
	}
	return s.chain.blockInfo(s.v, p, active)
}

// At returns the block at index on the snapshot's chain, or ErrNotFound.
func (s *Snapshot) At(index int64) (BlockInfo, error) {
	if index < s.chain.rules.Genesis.Index() || index > s.v.tip.Index {
		return BlockInfo{}, ErrNotFound
	}
	p, err := s.v.at(index)
	if err != nil {
		return BlockInfo{}, err
	}
	return s.chain.blockInfo(s.v, p, true)
}

// ForkPoint returns the index of the first locator hash that is on the snapshot's chain, 1 (genesis) if none is.
func (s *Snapshot) ForkPoint(locator []consensus.Hash) int64 {
	for _, h := range locator {
		p, ok, err := s.v.Position(h)
		if err != nil || !ok {
			continue
		}
		if active, err := s.v.active(p); active && err == nil {
			return p.Index
		}
	}
	return s.chain.rules.Genesis.Index()
}

// Blocks yields the canonical bytes of the blocks with index in [from, to), ascending. The bytes are valid until the next step.
// A block that is missing is an error.
func (s *Snapshot) Blocks(from, to int64) iter.Seq2[[]byte, error] {
	from, to = max(from, s.chain.rules.Genesis.Index()), min(to, s.v.tip.Index+1)
	return func(yield func([]byte, error) bool) {
		for rec, err := range s.v.blocks(from, to) {
			if !yield(rec.Raw, err) || err != nil {
				return
			}
		}
	}
}

// Locator lists hashes of the active chain for a chain request: the 10 newest, then doubling gaps, genesis last, at most 64.
func (c *Chain) Locator() []consensus.Hash {
	v := c.view()
	defer v.Close()
	genesis := c.rules.Genesis.Header()
	hashes := make([]consensus.Hash, 0, 32)
	for i, gap := v.tip.Index, int64(1); i > genesis.Index && len(hashes) < MaxLocator-1; i -= gap {
		if len(hashes) >= locatorRun {
			gap *= 2
		}
		var rec store.Record
		p, err := v.at(i)
		ok := err == nil
		if ok {
			rec, ok, err = v.Block(p)
		}
		if err != nil || !ok {
			continue // a damaged block: the others still find the fork point
		}
		hashes = append(hashes, sha256.Sum256(rec.Raw))
	}
	return append(hashes, genesis.Hash)
}
