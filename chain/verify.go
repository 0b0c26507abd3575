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
	v := verifier{c: c, snap: snap, last: c.rules.Genesis.Header(), audit: audit{seed: maphash.MakeSeed()}}
	for rec, err := range snap.Blocks(activeBranch, v.last.Index, tip.Index+1) {
		if ctx.Err() != nil {
			return fmt.Errorf("stopped after block %d, valid up to there: %w", v.last.Index, ctx.Err())
		}
		if err == nil {
			err = v.block(rec)
		}
		if err != nil {
			return fmt.Errorf("%w: block %d: %w", ErrDamaged, v.last.Index+1, err)
		}
		if done := rec.Place.Index; progress != nil && (done%verifyStep == 0 || done == tip.Index) {
			progress(done, tip.Index)
		}
	}
	if v.last != tip {
		return fmt.Errorf("%w: block %d: missing below the tip %d", ErrDamaged, v.last.Index+1, tip.Index)
	}
	if err := v.counts(ctx); err != nil {
		return err
	}
	return v.audit.compare(ctx, snap.Reader)
}

// verifyStep is how many blocks lie between two reports of progress.
const verifyStep = 4096

type verifier struct {
	c      *Chain
	snap   *store.Snapshot
	last   Header
	blocks int64
	ids    int64
	audit  audit
}

// block checks the next block.
func (v *verifier) block(rec store.Record) error {
	if rec.Place.Index == v.c.rules.Genesis.Index() {
		if string(rec.Raw) != string(v.c.rules.Genesis.raw) {
			return fmt.Errorf("it is not the genesis of %s", v.c.rules.Network())
		}
		v.blocks++
		return v.place(v.last)
	}
	b, err := v.c.rules.ParseBlock(rec.Raw)
	if err != nil {
		return err
	}
	if err := v.c.rules.CheckLink(v.last, b); err != nil {
		return err
	}
	if err := v.place(b.header); err != nil {
		return err
	}
	for offset, id := range b.IDs() {
		v.ids++
		switch index, at, ok, err := v.snap.Mined(id); {
		case err != nil:
			return err
		case !ok:
			return fmt.Errorf("transaction %s is not in the index", id)
		case index != b.Index() || at != offset:
			return fmt.Errorf("transaction %s is in block %d too, or the index is wrong", id, index)
		}
	}
	v.audit.block(b)
	v.last = b.header
	v.blocks++
	return nil
}

// place checks that the block's hash leads to it.
func (v *verifier) place(h Header) error {
	p, ok, err := v.snap.Place(h.Hash)
	if err == nil && (!ok || p != store.Place{Index: h.Index}) {
		err = fmt.Errorf("hash %s is not in the index, or leads elsewhere", h.Hash)
	}
	return err
}

// counts checks that the indexes hold nothing else.
func (v *verifier) counts(ctx context.Context) error {
	var blocks, ids int64
	err := v.snap.EachPlace(func(_ [32]byte, p store.Place) error {
		if p.Branch == activeBranch {
			blocks++
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	if err := v.snap.EachMined(func([16]byte, int64, int) error { ids++; return ctx.Err() }); err != nil {
		return err
	}
	if blocks != v.blocks || ids != v.ids {
		return fmt.Errorf("%w: the indexes hold %d blocks and %d transactions, the chain %d and %d", ErrDamaged, blocks, ids, v.blocks, v.ids)
	}
	return nil
}
