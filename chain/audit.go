package chain

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"

	"kuai/chain/consensus"
	"kuai/chain/exact"
	"kuai/chain/store"
)

// audit adds up all that the indexes have to say, each entry with a secret weight, so that two books in which it stands in a
// different order can be compared without holding either: one is made from the blocks, one from the indexes. Equal sums of
// different books are as likely as to guess 64 bits.
type audit struct {
	seed        maphash.Seed
	indexed     int64 // the last block that the index of addresses holds
	blocks, ids int64
	places      uint64        // of blocks and of transactions with an id
	spots       uint64        // of transactions in the histories of addresses
	count       uint64        // of transactions, weighed by address
	balance     exact.Decimal // weighed by address
	term        exact.Decimal // scratch
}

// weight is that of a key and two numbers.
func (a *audit) weight(key []byte, x, y int64) uint64 {
	var buffer [48]byte
	n := copy(buffer[:32], key)
	binary.BigEndian.PutUint64(buffer[n:], uint64(x))
	binary.BigEndian.PutUint64(buffer[n+8:], uint64(y))
	return maphash.Bytes(a.seed, buffer[:n+16])
}

func (a *audit) place(hash consensus.Hash, index int64) {
	a.blocks++
	a.places += a.weight(hash[:], index, 0)
}

func (a *audit) id(id consensus.ID, index int64, offset int) {
	a.ids++
	a.places += a.weight(id[:], index, int64(offset))
}

func (a *audit) spot(address store.Address, s Spot) {
	a.spots += a.weight(address[:], s.Index, int64(s.Position))
}

// block adds what the indexes have to say of a block.
func (a *audit) block(b *consensus.Block) error {
	a.place(b.Header().Hash, b.Header().Index)
	for offset, id := range b.IDs() {
		a.id(id, b.Header().Index, offset)
	}
	if b.Header().Index > a.indexed {
		return nil
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
	return nil
}

// index adds what the indexes say of the active chain.
func (a *audit) index(ctx context.Context, v view) error {
	active, err := v.allActive()
	if err != nil {
		return err
	}
	err = v.EachPosition(func(hash [32]byte, p store.Position) error {
		if active.has(p) {
			a.place(hash, p.Index)
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
func (a *audit) compareAddresses(index *audit) error {
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
