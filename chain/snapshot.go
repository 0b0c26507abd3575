package chain

import (
	"crypto/sha256"
	"fmt"
	"iter"

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
	snap  *store.Snapshot
	tip   Header
}

// Snapshot returns the active chain as it is now.
func (c *Chain) Snapshot() *Snapshot {
	snap, tip := c.view()
	return &Snapshot{chain: c, snap: snap, tip: tip}
}

// Tip returns the snapshot's last block.
func (s *Snapshot) Tip() Header { return s.tip }

// Close releases the snapshot.
func (s *Snapshot) Close() error { return s.snap.Close() }

// Block returns the held block with hash h, or ErrNotFound.
func (s *Snapshot) Block(h Hash) (Held, error) {
	p, ok, err := s.snap.Place(h)
	if err != nil {
		return Held{}, err
	}
	if !ok {
		return Held{}, ErrNotFound
	}
	return s.chain.heldAt(s.snap.Reader, p)
}

// At returns the block at index on the snapshot's chain, or ErrNotFound.
func (s *Snapshot) At(index int64) (Held, error) {
	if index < s.chain.rules.Genesis.Index() || index > s.tip.Index {
		return Held{}, ErrNotFound
	}
	return s.chain.heldAt(s.snap.Reader, store.Place{Index: index})
}

// ForkPoint returns the index of the first locator hash that is on the snapshot's chain, 1 (genesis) where none is.
func (s *Snapshot) ForkPoint(locator []Hash) int64 {
	for _, h := range locator {
		p, ok, err := s.snap.Place(h)
		if ok && err == nil && p.Branch == activeBranch {
			return p.Index
		}
	}
	return s.chain.rules.Genesis.Index()
}

// Blocks yields the canonical bytes of the blocks with index in [from, to), ascending. The bytes are valid until the next step.
// A block that is missing is an error.
func (s *Snapshot) Blocks(from, to int64) iter.Seq2[[]byte, error] {
	from, to = max(from, s.chain.rules.Genesis.Index()), min(to, s.tip.Index+1)
	return func(yield func([]byte, error) bool) {
		next := from
		for rec, err := range s.snap.Blocks(activeBranch, from, to) {
			if err == nil && rec.Place.Index != next {
				err = fmt.Errorf("%w: block %d is missing", ErrDamaged, next)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(rec.Raw, nil) {
				return
			}
			next++
		}
		if next < to {
			yield(nil, fmt.Errorf("%w: block %d is missing", ErrDamaged, next))
		}
	}
}

// Locator lists hashes of the active chain for a chain request: the 10 newest, then doubling gaps, genesis last, at most 64.
func (c *Chain) Locator() []Hash {
	snap, tip := c.view()
	defer snap.Close()
	genesis := c.rules.Genesis.Header()
	hashes := make([]Hash, 0, 32)
	for i, gap := tip.Index, int64(1); i > genesis.Index && len(hashes) < MaxLocator-1; i -= gap {
		if len(hashes) >= locatorRun {
			gap *= 2
		}
		rec, ok, err := snap.Block(store.Place{Index: i})
		if err != nil || !ok {
			continue // a damaged block: the others still find the fork point
		}
		hashes = append(hashes, sha256.Sum256(rec.Raw))
	}
	return append(hashes, genesis.Hash)
}
