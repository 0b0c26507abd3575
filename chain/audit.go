package chain

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"

	"kuai/chain/exact"
	"kuai/chain/store"
)

// audit adds up all addresses, each with a secret weight, so that two books in which they are ordered differently can be
// compared without holding either: one is made from the blocks, one from the index. Equal sums of different books are as likely
// as to guess 64 bits.
type audit struct {
	seed    maphash.Seed
	spots   uint64        // weights of all entries of histories, added up
	count   uint64        // entries, weighed by address
	balance exact.Decimal // balances, weighed by address
	term    exact.Decimal // scratch
}

func (a *audit) weight(address store.Address) uint64 { return maphash.Bytes(a.seed, address[:]) }

func (a *audit) spot(address store.Address, s Spot) {
	var key [32]byte
	copy(key[:], address[:])
	binary.BigEndian.PutUint64(key[16:], uint64(s.Index))
	binary.BigEndian.PutUint64(key[24:], uint64(s.Position))
	a.spots += maphash.Bytes(a.seed, key[:])
}

// block adds the transactions of a block.
func (a *audit) block(b *Block) {
	for position, t := range b.texts() {
		for name, sign := range t.names {
			address := addressKey(name)
			weight := a.weight(address)
			a.spot(address, Spot{Index: b.header.Index, Position: position})
			a.count += weight
			if sign != 0 {
				a.term.Reset()
				a.term.AddText(t.amount, sign < 0)
				a.balance.AddTimes(&a.term, weight)
			}
		}
	}
}

// index adds all that the index holds.
func (a *audit) index(ctx context.Context, r store.Reader) error {
	err := r.EachSpot(func(address store.Address, s Spot) error {
		a.spot(address, s)
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	return r.EachAccount(func(address store.Address, account *store.Account) error {
		weight := a.weight(address)
		a.count += weight * uint64(account.Count)
		a.balance.AddTimes(&account.Balance, weight)
		return ctx.Err()
	})
}

// compare checks that the index says of addresses what the blocks say, which are in a.
func (a *audit) compare(ctx context.Context, r store.Reader) error {
	held := audit{seed: a.seed}
	if err := held.index(ctx, r); err != nil {
		return err
	}
	var wrong string
	switch {
	case held.spots != a.spots:
		wrong = "histories"
	case held.count != a.count:
		wrong = "counts"
	case held.balance.String() != a.balance.String():
		wrong = "balances"
	default:
		return nil
	}
	return fmt.Errorf("%w: the %s of addresses are not those of the blocks, which are sound: export them and import them into a new directory", ErrDamaged, wrong)
}
