package chain

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"

	"kuai/chain/consensus"
	"kuai/chain/decimal"
	"kuai/chain/store"
)

// Verify walks the active chain from the genesis and checks every block as if it came from a stranger: hash, form, link,
// proof, transactions, and the indexes that point to it. It says progress after every few thousand blocks. Its error wraps
// ErrDamaged and names the first bad block, or is ctx's.
func (c *Chain) Verify(ctx context.Context, progress func(done, total int64)) error {
	v, indexed, err := c.levelView(ctx)
	if err != nil {
		return err
	}
	defer v.Close()
	follows, err := v.active(indexed)
	if err != nil {
		return err
	}
	blocks := checksum{seed: maphash.MakeSeed(), indexed: indexed.Index}
	money := newAudit(c, v)
	err = c.walk(ctx, v, progress, func(b *consensus.Block) error {
		blocks.block(b)
		return money.block(b)
	})
	if err != nil {
		return err
	}
	if err := money.end(); err != nil {
		return err
	}
	index := checksum{seed: blocks.seed}
	if err := index.index(ctx, v); err != nil {
		return err
	}
	switch {
	case index.positions == blocks.positions && follows:
		return blocks.compareAddresses(&index)
	case index.positions == blocks.positions: // the disk failed before the index could walk back over a reorg
		return nil
	}
	l, err := newLookup(v)
	if err != nil {
		return err
	}
	defer l.ids.Close()
	if err := c.walk(ctx, v, progress, l.block); err != nil {
		return err
	}
	return fmt.Errorf("%w: the indexes hold %d blocks and %d transactions, the chain %d and %d", ErrDamaged, index.blocks, index.ids, blocks.blocks, blocks.ids)
}

// levelView returns a state in which the index of addresses is level with the tip, and its position. On a chain that takes no more
// changes the index stays where it is.
func (c *Chain) levelView(ctx context.Context) (view, store.Position, error) {
	for {
		followed := c.follow(ctx)
		stays := c.Err() != nil || ctx.Err() != nil // the walk tells how far it came
		if followed != nil && !stays {
			return view{}, store.Position{}, followed
		}
		v := c.view()
		p, err := readAddresses(v.Reader)
		if err == nil && (stays || p == v.tipAt()) {
			return v, p, nil
		}
		if err = errors.Join(err, v.Close()); err != nil {
			return view{}, p, err
		}
	}
}

// verifyStep is how many blocks lie between two reports of progress.
const verifyStep = 4096

// walk checks every block, and hands it to more.
func (c *Chain) walk(ctx context.Context, v view, progress func(done, total int64), more func(*consensus.Block) error) error {
	last, total := c.rules.Genesis.Header(), int64(0)
	for rec, err := range v.blocks(last.Index, v.tip.Index+1) {
		if ctx.Err() != nil {
			return fmt.Errorf("stopped after block %d, valid up to there: %w", last.Index, ctx.Err())
		}
		var b *consensus.Block
		if err == nil {
			b, err = c.verify(last, rec)
		}
		if total += int64(len(rec.Raw)); err == nil && rec.Total != total {
			err = fmt.Errorf("its chain has %d bytes, its record says %d", total, rec.Total)
		}
		if err == nil {
			err = more(b)
		}
		if err != nil {
			return firstBad(v, last, err)
		}
		last = b.Header()
		if progress != nil && (last.Index%verifyStep == 0 || last == v.tip) {
			progress(last.Index, v.tip.Index)
		}
	}
	if last != v.tip {
		return fmt.Errorf("%w: block %d: missing below the tip %d", ErrDamaged, last.Index+1, v.tip.Index)
	}
	return nil
}

// firstBad says what is wrong with the block behind last, or with last if that has changed since it was added.
func firstBad(v view, last consensus.Header, err error) error {
	var before *badBlock
	if errors.As(err, &before) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	bad := last.Index + 1
	if changed := checkPosition(v, last); changed != nil {
		bad, err = last.Index, changed
	}
	return fmt.Errorf("%w: block %d: %w", ErrDamaged, bad, err)
}

// verify checks the block that is stored behind last.
func (c *Chain) verify(last consensus.Header, rec store.Record) (*consensus.Block, error) {
	genesis := c.rules.Genesis
	if rec.Position.Index == genesis.Index() {
		if string(rec.Raw) != string(genesis.Canonical()) {
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

// checkPosition asks the index of hashes for an active block.
func checkPosition(v view, h consensus.Header) error {
	p, ok, err := v.Position(h.Hash)
	if err != nil {
		return err
	}
	at, err := v.at(h.Index)
	if err == nil && (!ok || p != at) {
		err = fmt.Errorf("hash %s is not in the index, or leads elsewhere", h.Hash)
	}
	return err
}

// lookup asks the indexes for every block and transaction, to name the first that they have wrong.
type lookup struct {
	v   view
	ids *store.IDs
}

func newLookup(v view) (lookup, error) {
	ids, err := v.IDs()
	return lookup{v, ids}, err
}

func (l lookup) block(b *consensus.Block) error {
	if err := checkPosition(l.v, b.Header()); err != nil {
		return err
	}
	for offset, id := range b.IDs() {
		if err := l.transaction(b, id, offset); err != nil {
			return err
		}
	}
	return nil
}

// transaction checks that the index has the id in this active block, at this offset, and in no other.
func (l lookup) transaction(b *consensus.Block, id consensus.ID, offset int) error {
	found := false
	for at, err := range l.ids.Of(id) {
		if err != nil {
			return err
		}
		active, err := l.v.active(at.Position)
		switch {
		case err != nil:
			return err
		case !active:
		case at.Index != b.Index() || at.Offset != offset:
			return fmt.Errorf("transaction %s is in block %d too, or the index is wrong", id, at.Index)
		default:
			found = true
		}
	}
	if !found {
		return fmt.Errorf("transaction %s is not in the index", id)
	}
	return nil
}

// checksum adds up all that the indexes have to say, each entry with a secret weight, so that two books in which it stands in a
// different order can be compared without holding either: one is made from the blocks, one from the indexes. Equal sums of
// different books are as likely as to guess 64 bits.
type checksum struct {
	seed        maphash.Seed
	indexed     int64 // the last block that the index of addresses holds
	blocks, ids int64
	positions   uint64          // of blocks and of transactions with an id
	spots       uint64          // of transactions in the histories of addresses
	count       uint64          // of transactions, weighed by address
	balance     decimal.Decimal // weighed by address
	term        decimal.Decimal // scratch
}

// weight is that of a key and two numbers.
func (a *checksum) weight(key []byte, x, y int64) uint64 {
	var buffer [48]byte
	n := copy(buffer[:32], key)
	binary.BigEndian.PutUint64(buffer[n:], uint64(x))
	binary.BigEndian.PutUint64(buffer[n+8:], uint64(y))
	return maphash.Bytes(a.seed, buffer[:n+16])
}

func (a *checksum) position(hash consensus.Hash, index int64) {
	a.blocks++
	a.positions += a.weight(hash[:], index, 0)
}

func (a *checksum) id(id consensus.ID, index int64, offset int) {
	a.ids++
	a.positions += a.weight(id[:], index, int64(offset))
}

func (a *checksum) spot(address store.Address, s Spot) {
	a.spots += a.weight(address[:], s.Index, int64(s.Position))
}

// block adds what the indexes have to say of a block.
func (a *checksum) block(b *consensus.Block) {
	a.position(b.Header().Hash, b.Header().Index)
	for offset, id := range b.IDs() {
		a.id(id, b.Header().Index, offset)
	}
	if b.Header().Index > a.indexed {
		return
	}
	for position, t := range b.Parts() {
		for name, sign := range names(t) {
			address := addressKey(name)
			a.spot(address, Spot{Index: b.Header().Index, Position: position})
			weight := a.weight(address[:], 0, 0)
			a.count += weight
			if sign != 0 {
				a.term.Reset()
				a.term.AddText(t.Amount, sign < 0)
				a.balance.AddTimes(&a.term, weight)
			}
		}
	}
}

// index adds what the indexes say of the active chain.
func (a *checksum) index(ctx context.Context, v view) error {
	active, err := v.allActive()
	if err != nil {
		return err
	}
	err = v.EachPosition(func(hash [32]byte, p store.Position) error {
		if active.has(p) {
			a.position(hash, p.Index)
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	err = v.EachID(func(id [16]byte, p store.Position, offset int) error {
		if active.has(p) {
			a.id(id, p.Index, offset)
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	err = v.EachSpot(func(address store.Address, s Spot) error {
		a.spot(address, s)
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	return v.EachAccount(func(address store.Address, account *store.Account) error {
		weight := a.weight(address[:], 0, 0)
		a.count += weight * uint64(account.Count)
		a.balance.AddTimes(&account.Balance, weight)
		return ctx.Err()
	})
}

// compareAddresses checks that the index says of addresses what the blocks say, which are in a.
func (a *checksum) compareAddresses(index *checksum) error {
	var wrong string
	switch {
	case index.spots != a.spots:
		wrong = "histories"
	case index.count != a.count:
		wrong = "counts"
	case index.balance.String() != a.balance.String():
		wrong = "balances"
	default:
		return nil
	}
	return fmt.Errorf("%w: the %s of addresses are not those of the blocks, which are sound: export them and import them into a new directory", ErrDamaged, wrong)
}

// activeRanges are all parts of the active chain, ascending.
type activeRanges []store.Range

func (v view) allActive() (all activeRanges, err error) {
	for part, err := range v.Active(1, v.tip.Index+1) {
		if err != nil {
			return nil, err
		}
		all = append(all, part)
	}
	return all, nil
}

// has reports whether the block at p is active.
func (a activeRanges) has(p store.Position) bool {
	i, _ := slices.BinarySearchFunc(a, p.Index, func(r store.Range, index int64) int { return cmp.Compare(r.To-1, index) })
	return i < len(a) && a[i].Branch == p.Branch
}
