package chain

import (
	"errors"
	"hash/maphash"
	"slices"
	"time"

	"kuai/chain/store"
)

// MaxSwitchBytes bounds the batch of a switch, and so its memory, whatever the depth and the blocks. A larger switch goes in steps,
// each of them one batch and a valid state: down to the fork, and up the other branch. Besides a step memory then holds 8 bytes for
// each payment of the new branch. Readers wait until it is there. A crash on the way leaves a branch that is longer than the
// active chain, and the next start goes the rest.
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
func (c *Chain) reorgInSteps(b *Block, at store.Place, from string, now time.Time) error {
	if err := c.hold(b, at, from, now); err != nil {
		return err
	}
	target, _, err := c.store.Place(b.header.Hash)
	if err != nil {
		return err
	}
	old, fork := c.tip, c.sides.path(target).fork()
	returned, err := c.goTo(target, now)
	if err != nil {
		return err
	}
	c.events.add(Event{
		Kind: EventReorg, From: from, Header: c.tip, Block: b, Old: old, Returned: returned, Dropped: int(old.Index - fork),
	})
	return c.trimSides(path{{}})
}

// settle goes to the longest branch, where a crash has ended the way there.
func (c *Chain) settle() error {
	longest := store.Place{Index: c.tip.Index}
	for n, b := range c.sides.branches {
		if b.tip.Index > longest.Index {
			longest = store.Place{Branch: n, Index: b.tip.Index}
		}
	}
	if longest.Branch == activeBranch {
		return nil
	}
	_, err := c.goTo(longest, c.now())
	return err
}

// goTo makes the side block at target the tip, in steps, of which readers see the last only. It returns how many payments are
// pending again.
func (c *Chain) goTo(target store.Place, now time.Time) (returned int, err error) {
	tip, err := c.headerAt(target)
	if err != nil {
		return 0, err
	}
	above, err := c.idsAbove(c.sides.path(target))
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.tip != tip {
		n, err := c.step(tip, above, now)
		if err != nil {
			return returned, err
		}
		returned += n
	}
	return returned, nil
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

// idsAbove collects the ids on the way, above the fork.
func (c *Chain) idsAbove(way path) (*idSums, error) {
	above := &idSums{seed: maphash.MakeSeed()}
	for i, top := range way[:len(way)-1] {
		for rec, err := range c.store.Blocks(top.Branch, way[i+1].Index+1, top.Index+1) {
			if err != nil {
				return nil, err
			}
			b, err := c.parseHeld(rec)
			if err != nil {
				return nil, err
			}
			for _, id := range b.IDs() {
				above.sorted = append(above.sorted, maphash.Bytes(above.seed, id[:]))
			}
		}
	}
	slices.Sort(above.sorted)
	return above, nil
}
