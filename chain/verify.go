package chain

import (
	"context"
	"fmt"
	"hash/maphash"

	"kuai/chain/store"
)

// Verify walks the active chain from the genesis and checks every block as if it came from a stranger: hash, form, link,
// proof, transactions, and the indexes that point to it. It says progress after every few thousand blocks. Its error wraps
// ErrDamaged and names the first bad block, or is ctx's.
func (c *Chain) Verify(ctx context.Context, progress func(done, total int64)) error {
	snap, tip := c.view()
	defer snap.Close()
	blocks := audit{seed: maphash.MakeSeed()}
	if err := c.walk(ctx, snap, tip, progress, blocks.block); err != nil {
		return err
	}
	index := audit{seed: blocks.seed}
	if err := index.index(ctx, snap.Reader); err != nil {
		return err
	}
	if index.places == blocks.places {
		return blocks.compareAddresses(&index)
	}
	l := lookup{snap: snap}
	if err := c.walk(ctx, snap, tip, progress, l.block); err != nil {
		return err
	}
	return fmt.Errorf("%w: the indexes hold %d blocks and %d transactions, the chain %d and %d", ErrDamaged, index.blocks, index.ids, blocks.blocks, blocks.ids)
}

// verifyStep is how many blocks lie between two reports of progress.
const verifyStep = 4096

// walk checks every block, and hands it to more.
func (c *Chain) walk(ctx context.Context, snap *store.Snapshot, tip Header, progress func(done, total int64), more func(*Block) error) error {
	last := c.rules.Genesis.header
	for rec, err := range snap.Blocks(activeBranch, last.Index, tip.Index+1) {
		if ctx.Err() != nil {
			return fmt.Errorf("stopped after block %d, valid up to there: %w", last.Index, ctx.Err())
		}
		var b *Block
		if err == nil {
			b, err = c.verify(last, rec)
		}
		if err == nil {
			err = more(b)
		}
		if err != nil {
			return firstBad(snap, last, err)
		}
		last = b.header
		if progress != nil && (last.Index%verifyStep == 0 || last == tip) {
			progress(last.Index, tip.Index)
		}
	}
	if last != tip {
		return fmt.Errorf("%w: block %d: missing below the tip %d", ErrDamaged, last.Index+1, tip.Index)
	}
	return nil
}

// firstBad says what is wrong with the block behind last; where last is not what it was when it was held, with last.
func firstBad(snap *store.Snapshot, last Header, err error) error {
	bad := last.Index + 1
	if changed := (lookup{snap}).place(last); changed != nil {
		bad, err = last.Index, changed
	}
	return fmt.Errorf("%w: block %d: %w", ErrDamaged, bad, err)
}

// verify checks the block that is kept behind last.
func (c *Chain) verify(last Header, rec store.Record) (*Block, error) {
	genesis := c.rules.Genesis
	if rec.Place.Index == genesis.Index() {
		if string(rec.Raw) != string(genesis.raw) {
			return nil, fmt.Errorf("it is not the genesis of %s", c.rules.Network())
		}
		return genesis, nil
	}
	b, err := c.rules.ParseBlock(rec.Raw)
	if err != nil {
		return nil, err
	}
	return b, c.rules.CheckLink(last, b)
}

// lookup asks the indexes for every block and transaction, to name the first that they have wrong.
type lookup struct{ snap *store.Snapshot }

func (l lookup) place(h Header) error {
	p, ok, err := l.snap.Place(h.Hash)
	if err == nil && (!ok || p != store.Place{Index: h.Index}) {
		err = fmt.Errorf("hash %s is not in the index, or leads elsewhere", h.Hash)
	}
	return err
}

func (l lookup) block(b *Block) error {
	if err := l.place(b.header); err != nil {
		return err
	}
	for offset, id := range b.IDs() {
		switch index, at, ok, err := l.snap.Mined(id); {
		case err != nil:
			return err
		case !ok:
			return fmt.Errorf("transaction %s is not in the index", id)
		case index != b.Index() || at != offset:
			return fmt.Errorf("transaction %s is in block %d too, or the index is wrong", id, index)
		}
	}
	return nil
}
