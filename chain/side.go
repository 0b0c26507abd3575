package chain

import (
	"maps"
	"time"

	"kuai/chain/store"
)

// Bounds of the side branches, oldest first out.
const (
	MaxSideBlocks = 10_000
	MaxSideBytes  = 256 << 20

	// sideSlack is the part of the bounds, one in sideSlack, that is made free when they are passed, so that a flood
	// does not pay for the search of the oldest with every block.
	sideSlack = 16
)

// branch is a run of side blocks, each the parent of the next, with the indexes (parent.Index, tip.Index].
type branch struct {
	parent store.Place // the block that the first one extends, on the active chain or on another branch
	tip    Header
	bytes  int64
}

func (b branch) count() int64 { return b.tip.Index - b.parent.Index }

func (b branch) record() store.Branch {
	return store.Branch{Parent: b.parent, Last: b.tip.Index, Bytes: b.bytes}
}

// sides is the tree of side branches: what memory keeps of them, a few numbers for each, whatever its length.
// A branch's number is higher than those of the branches that were there before it.
type sides struct {
	branches map[uint32]branch
	last     uint32 // the highest number in use
	blocks   int64
	bytes    int64
}

func (s *sides) clone() sides {
	n := *s
	n.branches = maps.Clone(s.branches)
	return n
}

func (s *sides) set(n uint32, b branch) {
	s.remove(n)
	if s.branches == nil {
		s.branches = make(map[uint32]branch)
	}
	s.branches[n] = b
	s.blocks += b.count()
	s.bytes += b.bytes
	s.last = max(s.last, n)
}

func (s *sides) remove(n uint32) {
	b := s.branches[n]
	s.blocks -= b.count()
	s.bytes -= b.bytes
	delete(s.branches, n)
}

// path leads from a block to the active chain: the places where it leaves each branch, the last on the active chain.
type path []store.Place

// path returns the way from the block at p to the active chain.
func (s *sides) path(p store.Place) path {
	way := path{p}
	for p.Branch != activeBranch {
		p = s.branches[p.Branch].parent
		way = append(way, p)
	}
	return way
}

// weight returns the bytes of the branches on the way.
func (s *sides) weight(way path) (bytes int64) {
	for _, p := range way[:len(way)-1] {
		bytes += s.branches[p.Branch].bytes
	}
	return bytes
}

// fork is the index of the last block that the path shares with the active chain.
func (p path) fork() int64 { return p[len(p)-1].Index }

// leaves returns the index at which the path leaves each of its side branches.
func (p path) leaves() map[uint32]int64 {
	at := make(map[uint32]int64, len(p))
	for _, place := range p[:len(p)-1] {
		at[place.Branch] = place.Index
	}
	return at
}

// checkSideIDs checks that no transaction of b is on the branch below it.
func (c *Chain) checkSideIDs(b *Block, way path) error {
	side, err := c.store.SideIDs(way[:len(way)-1])
	if err != nil {
		return err
	}
	defer side.Close()
	for _, id := range b.IDs() {
		index, ok, err := c.mined(id)
		if err == nil && (!ok || index > way.fork()) {
			index, ok, err = side.Find(id)
		}
		if err != nil {
			return err
		}
		if ok {
			return duplicateID(id, index)
		}
	}
	return nil
}

// hold keeps a block off the active chain.
func (c *Chain) hold(b *Block, at store.Place, from string, now time.Time) error {
	batch := c.store.NewBatch()
	defer batch.Close()
	n, br := at.Branch, c.sides.branches[at.Branch]
	if n == activeBranch || br.tip.Index != at.Index {
		n, br = c.sides.last+1, branch{parent: at}
	}
	br.tip, br.bytes = b.header, br.bytes+int64(len(b.raw))
	place := store.Place{Branch: n, Index: b.Index()}
	batch.SetBranch(n, br.record())
	putSide(batch, place, c.origin(batch, from, now), b)
	if err := c.commit(batch, func() { c.sides.set(n, br) }); err != nil {
		return err
	}
	return c.trimSides(c.sides.path(place))
}

// putSide writes a side block and its indexes.
func putSide(batch *store.Batch, p store.Place, o store.Origin, b *Block) {
	batch.SetBlock(p, o, b.raw)
	batch.SetPlace(b.header.Hash, p)
	for _, id := range b.IDs() {
		batch.SetSideID(id, p)
	}
}

// trimSides drops the oldest side branches where they are past the bounds. What is on the way from the block just
// added to the active chain stays, so that a long branch can grow until it is the longest.
func (c *Chain) trimSides(way path) error {
	if c.sides.blocks <= MaxSideBlocks && c.sides.bytes <= MaxSideBytes {
		return nil
	}
	batch, next, keep := c.store.NewBatch(), c.sides.clone(), way.leaves()
	defer batch.Close()
	for next.blocks > MaxSideBlocks-MaxSideBlocks/sideSlack || next.bytes > MaxSideBytes-MaxSideBytes/sideSlack {
		n, from, found := next.oldest(keep)
		if !found {
			break
		}
		if err := c.cut(batch, &next, n, from); err != nil {
			return err
		}
	}
	if batch.Empty() {
		return nil
	}
	return c.commit(batch, func() { c.sides = next })
}

// oldest returns the oldest branch, and the index from which it can go: all of it, or what keep does not need.
func (s *sides) oldest(keep map[uint32]int64) (n uint32, from int64, found bool) {
	for m, b := range s.branches {
		if found && m > n {
			continue
		}
		leave, kept := keep[m]
		if !kept {
			n, from, found = m, b.parent.Index+1, true
		} else if leave < b.tip.Index {
			n, from, found = m, leave+1, true
		}
	}
	return n, from, found
}

// cut drops branch n from index from on, and what hangs on that.
func (c *Chain) cut(batch *store.Batch, next *sides, n uint32, from int64) error {
	for m, b := range next.branches {
		if b.parent.Branch == n && b.parent.Index >= from {
			if err := c.cut(batch, next, m, b.parent.Index+1); err != nil {
				return err
			}
		}
	}
	b := next.branches[n]
	for rec, err := range c.store.Blocks(n, from, b.tip.Index+1) {
		if err != nil {
			return err
		}
		dropped, err := c.parseHeld(rec)
		if err != nil {
			return err
		}
		deleteSide(batch, rec.Place, dropped)
		batch.DeletePlace(dropped.header.Hash)
		b.bytes -= int64(len(rec.Raw))
	}
	return c.shorten(batch, next, n, b, from)
}

// shorten leaves of branch n what is before index from.
func (c *Chain) shorten(batch *store.Batch, next *sides, n uint32, b branch, from int64) error {
	next.remove(n)
	if from == b.parent.Index+1 {
		batch.DeleteBranch(n)
		return nil
	}
	tip, _, err := c.blockAt(c.store.Reader, store.Place{Branch: n, Index: from - 1})
	if err != nil {
		return err
	}
	b.tip = tip.header
	next.set(n, b)
	batch.SetBranch(n, b.record())
	return nil
}

// deleteSide removes a side block and its transactions' index, not the place of its hash.
func deleteSide(batch *store.Batch, p store.Place, b *Block) {
	batch.DeleteBlock(p)
	for _, id := range b.IDs() {
		batch.DeleteSideID(id, p)
	}
}
