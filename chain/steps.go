package chain

import (
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"math"
	"slices"
	"time"

	"kuai/chain/store"
)

// MaxSwitchBytes bounds the batch of a switch, and so its memory, whatever the depth and the blocks. A larger switch goes in steps,
// each of them one batch and a valid state: down to the fork, and up the other branch. Besides a step memory then holds 8 bytes for
// each payment of the new branch, and a pointer for each that is pending. Readers wait until it is there. A crash on the way leaves a
// branch that is longer than the active chain, and the next start goes the rest.
const MaxSwitchBytes = 32 << 20

// errLargeSwitch says that a switch is not for one batch.
var errLargeSwitch = errors.New("too much for one batch")

// stepBlocks is how many blocks a step moves: an eighth of the bound where all are as large as they can be. Indexes come on top, and the
// engine copies.
func (c *Chain) stepBlocks() int64 {
	return max(1, int64(c.switchBytes)/int64(8*c.rules.MaxBlockBytes))
}

// reorgInSteps is reorg where one batch would be too large. The block is held beside the active chain first, so that its branch is
// the longest from then on.
func (c *Chain) reorgInSteps(b *Block, way path, from string, now time.Time) error {
	above, err := c.survey(way, b)
	if err != nil {
		return err
	}
	before := c.moment()
	defer before.close()
	if err := c.hold(b, way[0], from, now); err != nil {
		return err
	}
	returned, err := c.goTo(b.header, above, before, now)
	if err != nil {
		return err
	}
	c.events.add(Event{
		Kind: EventReorg, From: from, Header: c.tip, Block: b, Old: before.tip, Returned: returned, Dropped: int(before.tip.Index - way.fork()),
	})
	return c.trimSides(path{{}})
}

// settle goes to the longest branch, where a crash has ended the way there.
func (c *Chain) settle() error {
	longest, tip := store.Place{}, c.tip
	for n, b := range c.sides.branches {
		if b.tip.Index > tip.Index {
			longest, tip = store.Place{Branch: n, Index: b.tip.Index}, b.tip
		}
	}
	if longest.Branch == activeBranch {
		return nil
	}
	above, err := c.survey(c.sides.path(longest), nil)
	if err != nil {
		return err
	}
	before := c.moment()
	defer before.close()
	_, err = c.goTo(tip, above, before, c.now())
	return err
}

// goTo makes a side block the tip, in steps, of which readers see the last only. It returns how many payments are pending again.
// Where a step fails, the chain stops: readers see the moment before, and the next start goes the rest of the way.
func (c *Chain) goTo(to Header, above *idSums, before *moment, now time.Time) (returned int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.tip != to {
		n, err := c.step(to, above, now)
		if err != nil {
			c.stopAt(before, err)
			return 0, err
		}
		returned += n
	}
	return returned, nil
}

// moment is what readers see at one time.
type moment struct {
	snap    *store.Snapshot
	tip     Header
	sides   sides
	pending []*pending // in order
}

// moment returns what readers see now, for a caller that holds c.writing. Close it.
func (c *Chain) moment() *moment {
	m := &moment{snap: c.store.NewSnapshot(), tip: c.tip, sides: c.sides.clone()}
	for p := range c.pool.alive(math.MinInt64) {
		m.pending = append(m.pending, p)
	}
	return m
}

func (m *moment) close() {
	if m.snap != nil {
		_ = m.snap.Close() // it was not read
	}
}

// stopAt ends all changes, because of err, and shows readers this moment from now on; c.mu is held.
func (c *Chain) stopAt(m *moment, err error) {
	c.store.StopAt(m.snap, err)
	m.snap = nil                                       // the store closes it
	staged, bytes := c.pool.staged, c.pool.stagedBytes // what waits for the disk is not known to be there, nor not to be
	c.tip, c.sides, c.pool = m.tip, m.sides, newPool()
	c.pool.staged, c.pool.stagedBytes = staged, bytes
	for _, p := range m.pending {
		c.pool.insert(p)
	}
}

// step goes a step on the way to a side block, which has the ids above the fork; c.mu is held.
func (c *Chain) step(to Header, above *idSums, now time.Time) (returned int, err error) {
	target, _, err := c.store.Place(to.Hash)
	if err != nil {
		return 0, err
	}
	way := c.sides.path(target)
	next := path{{Index: max(way.fork(), c.tip.Index-c.stepBlocks())}}
	if c.tip.Index == way.fork() {
		next = c.sides.path(way.at(min(to.Index, c.tip.Index+c.stepBlocks())))
	}
	s := c.newSwitching(next, now)
	defer s.batch.Close()
	s.above, s.apply = above, c.apply
	if s.tip, err = c.headerAt(next[len(next)-1]); err != nil {
		return 0, err
	}
	for _, do := range []func() error{s.raise, s.lower, s.commit} {
		if err := do(); err != nil {
			return 0, err
		}
	}
	return len(s.returned), nil
}

// at returns the place of the way's block with this index, above the fork.
func (p path) at(index int64) store.Place {
	i := len(p) - 2
	for p[i].Index < index {
		i--
	}
	return store.Place{Branch: p[i].Branch, Index: index}
}

// idSums is a set of ids, of which it keeps 8 bytes each.
type idSums struct {
	seed   maphash.Seed // secret: clients choose ids
	sorted []uint64
}

func (s *idSums) has(id ID) bool {
	_, ok := slices.BinarySearch(s.sorted, maphash.Bytes(s.seed, id[:]))
	return ok
}

// survey reads all that a switch to the end of the way, and to the block on it, moves: what cannot be read is found before the first
// step. It returns the ids above the fork.
func (c *Chain) survey(way path, last *Block) (*idSums, error) {
	for _, err := range c.blocks(activeBranch, way.fork()+1, c.tip.Index+1) {
		if err != nil {
			return nil, err
		}
	}
	above := &idSums{seed: maphash.MakeSeed()}
	for i, top := range way[:len(way)-1] {
		for b, err := range c.blocks(top.Branch, way[i+1].Index+1, top.Index+1) {
			if err != nil {
				return nil, err
			}
			above.add(b)
		}
	}
	if last != nil {
		above.add(last)
	}
	slices.Sort(above.sorted)
	return above, nil
}

func (s *idSums) add(b *Block) {
	for _, id := range b.IDs() {
		s.sorted = append(s.sorted, maphash.Bytes(s.seed, id[:]))
	}
}

// blocks yields the blocks of a branch with index in [from, to), ascending; each is valid until the next step. All must be held.
func (c *Chain) blocks(branch uint32, from, to int64) iter.Seq2[*Block, error] {
	return func(yield func(*Block, error) bool) {
		for rec, err := range c.store.Blocks(branch, from, to) {
			if err == nil && rec.Place.Index != from {
				break
			}
			var b *Block
			if err == nil {
				b, err = c.parseHeld(rec)
			}
			if !yield(b, err) || err != nil {
				return
			}
			from++
		}
		if from < to {
			yield(nil, fmt.Errorf("%w: block %d of branch %d is missing", ErrDamaged, from, branch))
		}
	}
}
