package chain

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"

	"kuai/chain/exact"
	"kuai/chain/store"
)

// audit adds up all that the indexes have to say, each entry with a secret weight, so that two books in which it stands in a
// different order can be compared without holding either: one is made from the blocks, one from the indexes. Equal sums of
// different books are as likely as to guess 64 bits.
type audit struct {
	seed        maphash.Seed
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

func (a *audit) place(hash Hash, index int64) {
	a.blocks++
	a.places += a.weight(hash[:], index, 0)
}

func (a *audit) id(id ID, index int64, offset int) {
	a.ids++
	a.places += a.weight(id[:], index, int64(offset))
}

func (a *audit) spot(address store.Address, s Spot) {
	a.spots += a.weight(address[:], s.Index, int64(s.Position))
}

// block adds what the indexes have to say of a block.
func (a *audit) block(b *Block) error {
	a.place(b.header.Hash, b.header.Index)
	for offset, id := range b.IDs() {
		a.id(id, b.header.Index, offset)
	}
	for position, t := range b.texts() {
		for name, sign := range t.names {
			address := addressKey(name)
			a.spot(address, Spot{Index: b.header.Index, Position: position})
			weight := a.weight(address[:], 0, 0)
			a.count += weight
			if sign != 0 {
				a.term.Reset()
				a.term.AddText(t.amount, sign < 0)
				a.balance.AddTimes(&a.term, weight)
			}
		}
	}
	return nil
}

// index adds what the indexes say.
func (a *audit) index(ctx context.Context, r store.Reader) error {
	err := r.EachPlace(func(hash [32]byte, p store.Place) error {
		if p.Branch == activeBranch {
			a.place(hash, p.Index)
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	err = r.EachMined(func(id [16]byte, index int64, offset int) error {
		a.id(id, index, offset)
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	err = r.EachSpot(func(address store.Address, s Spot) error {
		a.spot(address, s)
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	return r.EachAccount(func(address store.Address, account *store.Account) error {
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
