package chain

import (
	"cmp"
	"slices"
	"time"

	"kuai/chain/store"
)

// Held is a block with what this node knows of it.
type Held struct {
	Block    *Block
	Active   bool // on the active chain
	From     string
	Received time.Time
}

// view returns the state of the store and the tip at one moment.
func (c *Chain) view() (*store.Snapshot, Header) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.store.NewSnapshot(), c.tip
}

// Block returns the held block with hash h, or ErrNotFound.
func (c *Chain) Block(h Hash) (Held, error) {
	s := c.Snapshot()
	defer s.snap.Close()
	return s.Block(h)
}

// At returns the block at index on the active chain, or ErrNotFound.
func (c *Chain) At(index int64) (Held, error) {
	s := c.Snapshot()
	defer s.snap.Close()
	return s.At(index)
}

func (c *Chain) heldAt(r store.Reader, p store.Place) (Held, error) {
	b, origin, err := c.blockAt(r, p)
	if err != nil {
		return Held{}, err
	}
	return Held{
		Block: b, Active: p.Branch == activeBranch,
		From: c.senders.name(origin.From), Received: time.UnixMilli(origin.Received),
	}, nil
}

// Has says whether the block with hash h is held. A store that cannot be read holds nothing.
func (c *Chain) Has(h Hash) bool {
	snap, _ := c.view()
	defer snap.Close()
	_, ok, err := snap.Place(h)
	return ok && err == nil
}

// Forks lists the side branches, longest first; of equally long ones the first seen first.
func (c *Chain) Forks() []Fork {
	c.mu.RLock()
	tree := c.sides.clone()
	snap := c.store.NewSnapshot()
	c.mu.RUnlock()
	defer snap.Close()
	var forks []Fork
	for _, n := range tree.ends() {
		tip := tree.branches[n].tip
		way := tree.path(store.Place{Branch: n, Index: tip.Index})
		point, _, err := c.blockAt(snap.Reader, store.Place{Index: way.fork()})
		if err != nil {
			continue // a damaged block: Verify names it
		}
		forks = append(forks, Fork{Tip: tip, Point: point.header})
	}
	slices.SortStableFunc(forks, func(a, b Fork) int { return cmp.Compare(b.Tip.Index, a.Tip.Index) })
	return forks
}

// Fork is the tip of a side branch and the last block that it shares with the active chain.
type Fork struct{ Tip, Point Header }

// ends lists the branches whose last block has no child, by number.
func (s *sides) ends() []uint32 {
	parents := make(map[store.Place]bool, len(s.branches))
	for _, b := range s.branches {
		parents[b.parent] = true
	}
	var ends []uint32
	for n, b := range s.branches {
		if !parents[store.Place{Branch: n, Index: b.tip.Index}] {
			ends = append(ends, n)
		}
	}
	slices.Sort(ends)
	return ends
}
