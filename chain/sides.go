package chain

import (
	"cmp"
	"errors"
	"maps"
	"math"
	"slices"
	"time"

	"kuai/chain/consensus"
	"kuai/chain/store"
)

// Bounds of the side branches, the least recently extended first out.
const (
	MaxSideBlocks = 10_000
	MaxSideBytes  = 256 << 20

	// sideSlack is the part of the bounds, one in sideSlack, that is made free when they are passed, so that a flood
	// does not pay for a search of the oldest with every block.
	sideSlack = 16

	// trimBlocks and trimBytes bound one batch of the trimming. With 4 MiB of full blocks the engine began another memtable for each
	// batch and took 73 MiB, not 15 (BenchmarkTrim).
	trimBlocks = 512
	trimBytes  = 1 << 20
)

// side is what memory keeps of a branch with blocks that are not on the active chain: those from an index on.
type side struct {
	from    int64          // index of the first of them
	parent  store.Position // what that one extends
	tip     consensus.Header
	base    int64 // canonical bytes of the chain that ends with parent
	total   int64 // and of the one that ends with tip
	changed int64 // when the tip came, or left the active chain; Unix milliseconds
}

func (s side) count() int64 { return s.tip.Index - s.from + 1 }

// sides is the tree of side branches, by number: a few numbers for each, whatever its length.
type sides struct {
	branches map[uint32]side
	last     uint32 // the highest number of any branch
	blocks   int64
	bytes    int64
}

func (s *sides) set(n uint32, b side) {
	s.remove(n)
	s.branches[n] = b
	s.blocks += b.count()
	s.bytes += b.total - b.base
}

func (s *sides) remove(n uint32) {
	if b, ok := s.branches[n]; ok {
		s.blocks -= b.count()
		s.bytes -= b.total - b.base
		delete(s.branches, n)
	}
}

// update changes these branches, and removes those of them without side blocks.
func (s *sides) update(branches map[uint32]side) {
	for n, b := range branches {
		if s.remove(n); b.count() > 0 {
			s.set(n, b)
		}
	}
}

// has reports whether the block at p, which is held, is off the active chain.
func (s *sides) has(p store.Position) bool {
	b, ok := s.branches[p.Branch]
	return ok && p.Index >= b.from
}

func (s *sides) full() bool { return s.blocks > MaxSideBlocks || s.bytes > MaxSideBytes }

// path leads from a block to the active chain.
type path struct {
	steps  []store.Position // the block, then each block that the branch before hangs on; the last is active
	leaves map[uint32]int64 // of each side branch on the way, the highest index
}

// path returns the way from the block at p to the active chain.
func (s *sides) path(p store.Position) path {
	way := path{steps: []store.Position{p}, leaves: make(map[uint32]int64)}
	for s.has(p) {
		way.leaves[p.Branch] = p.Index
		p = s.branches[p.Branch].parent
		way.steps = append(way.steps, p)
	}
	return way
}

// fork returns where the path meets the active chain.
func (w path) fork() store.Position { return w.steps[len(w.steps)-1] }

// has reports whether the block at p, which is held, is on the chain that ends where the path begins.
func (w path) has(s *sides, p store.Position) bool {
	if !s.has(p) {
		return p.Index <= w.fork().Index
	}
	leave, ok := w.leaves[p.Branch]
	return ok && p.Index <= leave
}

// ranges returns the parts of the side branches on the way, the lowest first.
func (w path) ranges() []store.Range {
	var parts []store.Range
	for i := len(w.steps) - 2; i >= 0; i-- {
		parts = append(parts, store.Range{Branch: w.steps[i].Branch, From: w.steps[i+1].Index + 1, To: w.steps[i].Index + 1})
	}
	return parts
}

// onPath returns the index of the block with this transaction on the chain to which way leads.
func (c *Chain) onPath(search *store.IDs, id consensus.ID, way path) (index int64, ok bool, err error) {
	if !c.stored.mayHave(id) {
		return 0, false, nil
	}
	for at, err := range search.Of(id) {
		if err != nil {
			return 0, false, err
		}
		if way.has(&c.sides, at.Position) {
			return at.Index, true, nil
		}
	}
	return 0, false, nil
}

// follows returns where a child of the block at p is stored: behind it if it is the last of its branch, else on a branch of its own.
func (c *Chain) follows(p store.Position) store.Position {
	end, ok := c.sides.branches[p.Branch]
	if ok && end.tip.Index == p.Index || p == c.at() {
		return store.Position{Branch: p.Branch, Index: p.Index + 1}
	}
	return store.Position{Branch: c.sides.last + 1, Index: p.Index + 1}
}

// addSides keeps blocks, each of which extends the one before, off the active chain, in one batch. works are the chain's up to each. The parent of the first is at the
// start of way, and total is the canonical bytes of the chain up to it.
func (c *Chain) addSides(run []*consensus.Block, works []consensus.Work, total int64, way path, from string, now time.Time) error {
	batch := c.store.NewBatch()
	defer batch.Close()
	parent, o := way.steps[0], origin(from, now)
	p := c.follows(parent)
	s, ok := c.sides.branches[p.Branch]
	if !ok {
		s = side{from: p.Index, parent: parent, base: total}
		batch.SetSide(p.Branch, s.from, s.parent)
	}
	for i, b := range run {
		p.Index = b.Index()
		total += int64(len(b.Canonical()))
		c.put(batch, b, works[i], p, parent, total, o)
		parent = p
	}
	s.tip, s.total, s.changed = run[len(run)-1].Header(), total, o.Received
	err := c.commit(batch, func() {
		c.sides.set(p.Branch, s)
		c.sides.last = max(c.sides.last, p.Branch)
	})
	if err == nil {
		c.growing = p
		c.wakeTrim()
	}
	return err
}

// put writes a block and what leads to it.
func (c *Chain) put(batch *store.Batch, b *consensus.Block, work consensus.Work, p, parent store.Position, total int64, o store.Origin) {
	if p.Branch != parent.Branch {
		batch.SetParent(p.Branch, parent)
	}
	batch.SetBlock(store.Record{Position: p, Origin: o, Total: total, Raw: b.Canonical()})
	batch.SetPosition(b.Hash(), p)
	c.putWork(batch, p, work)
	for offset, id := range b.IDs() {
		c.stored.add(id)
		batch.SetID(id, p, offset)
	}
}

func (c *Chain) wakeTrim() {
	if c.sides.full() {
		signal(c.trimming)
	}
}

// trim drops the side branches that were not extended for the longest time, whole, in bounded batches, until the others are within
// the bounds. The branch that was extended last stays, so that a long one can grow until it is the longest, and so does what the
// index of addresses has to walk back over.
func (c *Chain) trim() error {
	most := bounds{MaxSideBlocks, MaxSideBytes}
	for {
		if again, err := c.trimOnce(most); err != nil || !again {
			return err
		}
		most = bounds{MaxSideBlocks - MaxSideBlocks/sideSlack, MaxSideBytes - MaxSideBytes/sideSlack}
	}
}

// bounds are numbers of blocks and of their bytes.
type bounds struct{ blocks, bytes int64 }

// trimOnce drops a batch of side blocks if there are more than most. It reports whether there may be more to drop.
func (c *Chain) trimOnce(most bounds) (again bool, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.Err(); err != nil {
		return false, err
	}
	t := trimming{c: c, batch: c.store.NewBatch(), keep: c.kept(), children: c.sides.children(), cut: make(map[uint32]side)}
	defer t.batch.Close()
	if err := t.dropCondemned(); err != nil {
		return false, err
	}
	for _, n := range c.sides.byAge() {
		whole := n == c.partly // the rest of what a batch before this one began
		if t.full() || !whole && c.sides.blocks-t.blocks <= most.blocks && c.sides.bytes-t.bytes <= most.bytes {
			break
		}
		if err := t.dropBranch(n); err != nil && !errors.Is(err, ErrDamaged) { // a damaged block stays, with those below it
			return false, err
		}
	}
	if t.blocks == 0 {
		return false, nil
	}
	return true, c.commit(t.batch, func() { c.sides.update(t.cut) })
}

// kept returns, by branch, the highest index of the side blocks that trimming must leave.
func (c *Chain) kept() map[uint32]int64 {
	keep := c.sides.path(c.growing).leaves
	for n, index := range c.sides.path(c.addresses.position()).leaves {
		keep[n] = max(keep[n], index)
	}
	return keep
}

// byAge lists the branches, the least recently changed first.
func (s *sides) byAge() []uint32 {
	return slices.SortedFunc(maps.Keys(s.branches), func(a, b uint32) int {
		return cmp.Or(cmp.Compare(s.branches[a].changed, s.branches[b].changed), cmp.Compare(a, b))
	})
}

// children lists, for each block that side branches hang on, those branches.
func (s *sides) children() map[store.Position][]uint32 {
	all := make(map[store.Position][]uint32, len(s.branches))
	for n, b := range s.branches {
		all[b.parent] = append(all[b.parent], n)
	}
	return all
}

// trimming is a batch that drops side blocks, while it is put together.
type trimming struct {
	c        *Chain
	batch    *store.Batch
	keep     map[uint32]int64
	children map[store.Position][]uint32
	cut      map[uint32]side // branches as they are then; count 0: gone
	blocks   int64
	bytes    int64
	last     storedBlock // that was read
}

func (t *trimming) full() bool { return t.blocks >= trimBlocks || t.bytes >= trimBytes }

// dropBranch drops the blocks of branch n, and of what hangs on it, until the batch is full.
func (t *trimming) dropBranch(n uint32) error {
	t.c.partly = n
	for !t.full() {
		if done, err := t.drop(n); err != nil || done {
			t.c.partly = noBranch
			return err
		}
	}
	return nil
}

// dropCondemned drops the blocks that are condemned, and what hangs on them, until the batch is full.
func (t *trimming) dropCondemned() error {
	for n, from := range t.c.condemned {
		for done := false; !done; {
			if t.full() {
				return nil
			}
			if s := t.side(n); s.count() == 0 || s.tip.Index < from {
				break
			}
			var err error
			if done, err = t.drop(n); err != nil && !errors.Is(err, ErrDamaged) {
				return err
			} else if err != nil {
				break
			}
		}
		delete(t.c.condemned, n)
	}
	return nil
}

// noBranch is the number of no branch.
const noBranch = math.MaxUint32

// drop drops the last block of branch n, or of one that hangs on it. It reports whether nothing of that may be dropped any more.
func (t *trimming) drop(n uint32) (done bool, err error) {
	s := t.side(n)
	if leave, kept := t.keep[n]; s.count() == 0 || kept && s.tip.Index <= leave {
		return true, nil
	}
	if child, ok := t.child(store.Position{Branch: n, Index: s.tip.Index}); ok {
		return t.drop(child)
	}
	return false, t.dropLast(n, s)
}

// side returns branch n as the batch leaves it.
func (t *trimming) side(n uint32) side {
	if s, ok := t.cut[n]; ok {
		return s
	}
	return t.c.sides.branches[n]
}

// child returns a branch that hangs on the block at p.
func (t *trimming) child(p store.Position) (uint32, bool) {
	for _, n := range t.children[p] {
		if t.side(n).count() > 0 {
			return n, true
		}
	}
	return 0, false
}

// dropLast drops the last block of branch n, which is s. The block below it is read first: if that is damaged, nothing is dropped.
func (t *trimming) dropLast(n uint32, s side) error {
	p := store.Position{Branch: n, Index: s.tip.Index}
	b, err := t.read(p)
	if err != nil {
		return err
	}
	s.tip = consensus.Header{Index: s.from - 1}
	if p.Index > s.from {
		below, err := t.read(store.Position{Branch: n, Index: p.Index - 1})
		if err != nil {
			return err
		}
		s.tip = below.Header()
	}
	t.batch.DeleteBlock(p)
	t.batch.DeletePosition(b.Header().Hash)
	if t.c.rules.IsSecure() {
		t.batch.DeleteWork(p)
	}
	for _, id := range b.IDs() {
		t.batch.DeleteID(id, p)
		if pending, ok := t.c.pool.byID[id]; ok && pending.returned {
			t.batch.SetPending(record(pending)) // its record may lead to this block
		}
	}
	if s.count() == 0 {
		t.batch.DeleteSide(n)
		if s.parent.Branch != n {
			t.batch.DeleteParent(n)
		}
	}
	t.blocks++
	t.bytes += int64(len(b.Canonical()))
	s.total -= int64(len(b.Canonical()))
	t.cut[n] = s
	return nil
}

// read returns the block at p. It is often the one that was read last, which is below the one that was dropped.
func (t *trimming) read(p store.Position) (storedBlock, error) {
	if t.last.Block != nil && t.last.Position == p {
		return t.last, nil
	}
	b, err := t.c.read(t.c.store.Reader, p)
	if err == nil {
		t.last = b
	}
	return b, err
}

// header returns the header of the block at p, which must be held, and the canonical bytes of its chain.
func (c *Chain) header(p store.Position) (consensus.Header, int64, error) {
	if p == c.at() {
		return c.tip, c.total, nil
	}
	if s, ok := c.sides.branches[p.Branch]; ok && s.tip.Index == p.Index {
		return s.tip, s.total, nil
	}
	b, err := c.read(c.store.Reader, p)
	if err != nil {
		return consensus.Header{}, 0, err
	}
	return b.Header(), b.Total, nil
}
