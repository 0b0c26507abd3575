package chain

import (
	"kuai/chain/store"
)

// Bounds of what one batch holds while addresses are indexed.
const (
	indexBlocks = 4096
	indexBytes  = 8 << 20
)

// loadAddresses indexes the addresses of a chain from before there was an index. After a crash it begins anew.
func (c *Chain) loadAddresses() error {
	if !c.unindexed {
		return nil
	}
	x := indexing{c: c, batch: c.store.NewBatch(), ledger: newLedger()}
	defer func() { x.batch.Close() }()
	x.batch.ForgetAddresses()
	for rec, err := range c.store.Blocks(activeBranch, c.rules.Genesis.Index(), c.tip.Index+1) {
		if err != nil {
			return err
		}
		if err := x.add(rec); err != nil {
			return err
		}
	}
	x.batch.SetMeta(metaSchema, []byte{schema})
	if err := x.commit(); err != nil {
		return err
	}
	c.indexed = c.tip.Index
	return nil
}

// indexing is the work of loadAddresses.
type indexing struct {
	c             *Chain
	batch         *store.Batch
	ledger        *ledger
	blocks, bytes int // in the ledger
}

func (x *indexing) add(rec store.Record) error {
	b, err := x.c.parseHeld(rec)
	if err != nil {
		return err
	}
	x.ledger.join(b)
	x.blocks++
	x.bytes += len(rec.Raw)
	if x.blocks < indexBlocks && x.bytes < indexBytes {
		return nil
	}
	return x.commit()
}

func (x *indexing) commit() error {
	if err := x.ledger.put(x.batch, x.c.store.Reader, 0); err != nil {
		return err
	}
	if err := x.c.commit(x.batch, func() {}); err != nil {
		return err
	}
	x.batch.Close()
	x.batch, x.ledger, x.blocks, x.bytes = x.c.store.NewBatch(), newLedger(), 0, 0
	return nil
}
