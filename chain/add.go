package chain

import (
	"cmp"

	"kuai/chain/consensus"
	"kuai/chain/store"
)

// Add checks b against its branch and stores it; if its branch then has more work than the active chain, it becomes the active one.
// It does not wait for the disk. from names the sending peer, "" for this node. tip reports whether b is the new tip.
// Errors: ErrKnown, ErrOrphan, ErrFuture, *InvalidError, or a failure of the store.
func (c *Chain) Add(b *consensus.Block, from string) (tip bool, err error) {
	run := []*consensus.Block{b}
	if _, err := c.checkSigned(run); err != nil {
		return false, err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	_, err = c.addRun(run, from)
	return err == nil && c.tip.Hash == b.Hash(), err
}

// AddBlocks does for a run of blocks what Add does for one, with one batch for all that extend the tip, and one for all that stay on a
// side branch. It returns how many were new and are now held; known blocks are skipped. Errors as for Add, of the first block
// refused; those before it stay.
func (c *Chain) AddBlocks(run *consensus.Blocks, from string) (n int, err error) {
	blocks, refusal := run.All(), error(nil)
	if !run.Signed() {
		n, refusal = c.checkSigned(blocks)
		blocks, n = blocks[:n], 0
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	for len(blocks) > 0 {
		added, err := c.addRun(blocks, from)
		n += added
		if err != nil && err != ErrKnown {
			return n, err
		}
		blocks = blocks[max(added, 1):]
	}
	return n, refusal
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
	state, err := c.stateAt(at, parent)
	if err != nil {
		return 0, err
	}
	way := c.sides.path(at)
	if err := c.onCondemned(way); err != nil {
		return 0, c.invalid.remember(run[0].Hash(), err)
	}
	works, replaces := c.worksOf(state, run)
	run = run[:len(works)]
	now := c.now()
	ids := c.idsOf(run)
	run, refusal := c.checkRun(run, ids, way, now)
	switch {
	case len(run) == 0:
		return 0, refusal
	case replaces:
		err = c.switchTo(run[0], works[0], total+int64(len(run[0].Canonical())), way, from, now)
	default:
		err = c.addSides(run, works, total, way, from, now)
	}
	if err != nil {
		return 0, err
	}
	return len(run), refusal
}

// worksOf returns the work of the chains that end with each of the blocks on the chain in state s, up to the first that has more than the
// active chain: that one is not in it, unless it is the first of all and replaces the active chain.
func (c *Chain) worksOf(s consensus.State, run []*consensus.Block) (works []consensus.Work, replaces bool) {
	for i, b := range run {
		s = c.rules.Next(s, b.Header())
		heavier := consensus.Heavier(s, c.state())
		if heavier && i > 0 {
			return works, false
		}
		works = append(works, s.Work)
		if heavier {
			return works, true
		}
	}
	return works, false
}
