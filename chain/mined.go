package chain

import (
	"fmt"

	"kuai/chain/consensus"
)

// AddMined adds a block that this node mined, and returns when it is on disk. Nobody sees the block before that: its bytes are
// written first, apart from the chain, and it joins the chain once they are on disk. After a crash in between Open adds it.
// ErrStale if its parent is not the tip any more; ErrUnsettled if the disk fails meanwhile; other errors as for Add.
//
// One block at a time: of two on the same parent only the first can be added, so after a crash the one that was written is
// the one that was acknowledged.
func (c *Chain) AddMined(b *consensus.Block) error {
	c.mining.Lock()
	defer c.mining.Unlock()
	if c.Tip().Hash != b.Header().Previous {
		return ErrStale
	}
	if _, err := c.checkSigned([]*consensus.Block{b}); err != nil {
		return err
	}
	if err := c.writeMined(b); err != nil {
		return err
	}
	if err := c.Sync(); err != nil {
		return unsettled(err)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.finishMined(b)
}

// writeMined checks b and writes it apart from the chain.
func (c *Chain) writeMined(b *consensus.Block) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if b.Header().Previous != c.tip.Hash {
		return ErrStale
	}
	if _, _, _, err := c.checkNext([]*consensus.Block{b}, c.now()); err != nil {
		return err
	}
	batch := c.store.NewBatch()
	defer batch.Close()
	batch.SetMeta(metaMined, b.Canonical())
	if err := c.commit(batch, func() {}); err != nil {
		return unsettled(err)
	}
	return nil
}

// finishMined adds the block that writeMined wrote, and drops it if another block came first.
func (c *Chain) finishMined(b *consensus.Block) (err error) {
	batch := c.store.NewBatch()
	defer batch.Close()
	batch.DeleteMeta(metaMined)
	stale := b.Header().Previous != c.tip.Hash
	if stale {
		err = c.commit(batch, func() {})
	} else {
		run := []*consensus.Block{b}
		var balances *accounts
		if _, balances, err = c.applyRun(run); err == nil {
			err = c.extendBy(batch, run, c.idsOf(run), balances, "", c.now())
		}
	}
	switch {
	case err != nil:
		return unsettled(err)
	case stale:
		return ErrStale
	}
	return nil
}

// loadMined adds the block that was on its way when the process ended: it was checked, on this tip, before it was written.
func (c *Chain) loadMined() error {
	raw, err := c.store.Meta(metaMined)
	if err != nil || raw == nil {
		return err
	}
	b, err := c.rules.ParseBlock(raw)
	if err != nil {
		return fmt.Errorf("%w: the block that was mined last: %w", ErrDamaged, err)
	}
	if err := c.finishMined(b); err != ErrStale {
		return err
	}
	return nil
}

// unsettled marks an error of the disk that came after it had been asked to write.
func unsettled(err error) error { return fmt.Errorf("%w: %w", ErrUnsettled, err) }
