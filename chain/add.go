package chain

import (
	"cmp"
	"slices"

	"kuai/chain/consensus"
	"kuai/chain/store"
)

// Add checks b against its branch and stores it; if its branch then has more work than the active chain, it becomes the active one.
// It does not wait for the disk. from names the sending peer, "" for this node. tip reports whether b is the new tip.
// Errors: ErrKnown, ErrOrphan, ErrFuture, *InvalidError, or a failure of the store.
func (c *Chain) Add(b *consensus.Block, from string) (tip bool, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	_, err = c.addRun([]*consensus.Block{b}, from)
	return err == nil && c.tip.Hash == b.Hash(), err
}

// AddBlocks does for a run of blocks what Add does for one, with one batch for all that extend the tip, and one for all that stay on a
// side branch. It returns how many were new and are now held; known blocks are skipped. Errors as for Add, of the first block
// refused; those before it stay.
func (c *Chain) AddBlocks(run *consensus.Blocks, from string) (n int, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	for blocks := run.All(); len(blocks) > 0; {
		added, err := c.addRun(blocks, from)
		n += added
		if err != nil && err != ErrKnown {
			return n, err
		}
		blocks = blocks[max(added, 1):]
	}
	return n, nil
}

// addRun adds the first of the blocks, each of which extends the one before, and those after it that the same batch can take. It
// returns how many. Its checks are in the order of the rules.
func (c *Chain) addRun(run []*consensus.Block, from string) (n int, err error) {
	first := run[0].Header()
	if first.Previous == c.tip.Hash {
		return c.extend(run, from)
	}
	if err := c.Err(); err != nil {
		return 0, err
	}
	if _, held, err := c.store.Position(first.Hash); err != nil || held {
		return 0, cmp.Or(err, ErrKnown)
	}
	if err := c.invalid.check(first); err != nil {
		return 0, err
	}
	at, held, err := c.store.Position(first.Previous)
	if err != nil {
		return 0, err
	}
	if !held {
		return 0, ErrOrphan
	}
	return c.branchOff(run, at, from)
}

// branchOff is addRun for blocks on at, which is held and is not the tip. None of them is held, as their parents would be.
func (c *Chain) branchOff(run []*consensus.Block, at store.Position, from string) (n int, err error) {
	parent, total, err := c.header(at)
	if err != nil {
		return 0, err
	}
	if err := c.rules.CheckLink(parent, run[0]); err != nil {
		return 0, c.invalid.remember(run[0].Hash(), err)
	}
	heavier := func(b *consensus.Block) bool {
		return b.Index() > c.tip.Index
	}
	replaces := heavier(run[0])
	if i := slices.IndexFunc(run, heavier); i >= 0 {
		run = run[:max(i, 1)]
	}
	now, way := c.now(), c.sides.path(at)
	ids := c.idsOf(run)
	run, refusal := c.checkRun(run, ids, way, now)
	switch {
	case len(run) == 0:
		return 0, refusal
	case replaces:
		err = c.switchTo(run[0], total+int64(len(run[0].Canonical())), way, from, now)
	default:
		err = c.addSides(run, total, way, from, now)
	}
	if err != nil {
		return 0, err
	}
	return len(run), refusal
}
