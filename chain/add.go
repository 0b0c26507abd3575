package chain

import (
	"kuai/chain/consensus"
	"kuai/chain/store"
)

// Add checks b against its branch and holds it; where its branch is longer than the active chain, switches to it.
// It does not wait for the disk. from names the sending peer, "" for this node. tip says whether b is the new tip.
// Errors: ErrKnown, ErrOrphan, ErrFuture, *InvalidError, or a failure of the store.
func (c *Chain) Add(b *consensus.Block, from string) (tip bool, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	err = c.add(b, from)
	return err == nil && c.tip.Hash == b.Hash(), err
}

// AddBlocks does for a run of blocks what Add does for one: from the first that extends the tip on all in one batch, those before it
// one by one. It returns how many were new and are now held; known blocks are skipped. Errors as for Add, of the first block
// refused; those before it stay.
func (c *Chain) AddBlocks(s *consensus.Blocks, from string) (n int, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	blocks := s.All()
	for len(blocks) > 0 {
		if blocks[0].Header().Previous == c.tip.Hash {
			added, err := c.extend(blocks, from)
			return n + added, err
		}
		switch err := c.add(blocks[0], from); err {
		case nil:
			n++
		case ErrKnown:
		default:
			return n, err
		}
		blocks = blocks[1:]
	}
	return n, nil
}

// add is Add for a caller that holds the lock. Its checks are in the order of the rules.
func (c *Chain) add(b *consensus.Block, from string) error {
	if b.Header().Previous == c.tip.Hash {
		_, err := c.extend([]*consensus.Block{b}, from)
		return err
	}
	if err := c.Err(); err != nil {
		return err
	}
	if _, held, err := c.store.Position(b.Header().Hash); err != nil || held {
		return orKnown(err)
	}
	if err := c.invalid.check(b.Header()); err != nil {
		return err
	}
	at, held, err := c.store.Position(b.Header().Previous)
	if err != nil {
		return err
	}
	if !held {
		return ErrOrphan
	}
	return c.addAt(b, at, from)
}

func orKnown(err error) error {
	if err != nil {
		return err
	}
	return ErrKnown
}

// addAt adds a block whose parent, at, is held and is not the tip.
func (c *Chain) addAt(b *consensus.Block, at store.Position, from string) error {
	parent, total, err := c.header(at)
	if err != nil {
		return err
	}
	if err := c.rules.CheckLink(parent, b); err != nil {
		return c.invalid.remember(b.Header().Hash, err)
	}
	way := c.sides.path(at)
	if err := c.checkIDs(b, way); err != nil {
		return c.invalid.remember(b.Header().Hash, err)
	}
	now := c.now()
	if err := c.rules.CheckTime(b, now); err != nil {
		return err
	}
	total += int64(len(b.Canonical()))
	if consensus.Heavier(c.rules.State(b.Header()), c.rules.State(c.tip)) {
		return c.switchTo(b, total, way, from, now)
	}
	return c.addSide(b, total, way, from, now)
}
