package chain

import (
	"crypto/sha256"
	"iter"

	"kuai/chain/consensus"
	"kuai/chain/store"
)

// Lengths of a locator.
const (
	locatorRun = 10 // newest hashes without gaps
	MaxLocator = 64
)

// Snapshot is the active chain at one moment; it holds resources until Close.
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
