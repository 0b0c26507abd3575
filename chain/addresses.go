package chain

import (
	"cmp"
	"fmt"
	"math"

	"kuai/chain/canonical"
	"kuai/chain/consensus"
	"kuai/chain/store"
)

// lastIndex is above every block.
const lastIndex = math.MaxInt64 - 1

// Spot is where a transaction is on the active chain: in which block, and where in it, from 0.
type Spot = store.Spot

// Account is what the active chain, up to Tip, says of an address.
type Account struct {
	Balance string           // what it received less what it sent: exact, without an exponent, below 0 if it sent more
	Count   int64            // transactions that name it
	Entries []Entry          // a page of them, the newest first
	More    bool             // there are older ones
	Tip     consensus.Header // the last block that was looked at: the chain's tip, unless the index of addresses is far behind it
}

// Entry is a transaction of an address.
type Entry struct {
	Spot        Spot
	Block       consensus.Header
	Transaction consensus.Transaction
}

// Address returns what the active chain says of an address, with at most limit of its transactions, from the newest before the
// given spot (none: Spot{}) on. An address that is in no transaction has nothing. It waits up to levelTime for the index of addresses.
// Errors: *InvalidError, ErrNotLevel, or a failure of the store.
func (c *Chain) Address(address string, before Spot, limit int) (Account, error) {
	if err := c.rules.CheckAddress(address); err != nil {
		return Account{}, err
	}
	if err := c.levelAddresses(); err != nil {
		return Account{}, err
	}
	v := c.view()
	defer v.Close()
	tip, err := c.indexedTip(v)
	if err != nil {
		return Account{}, err
	}
	quoted := canonical.AppendString(nil, address)
	key := addressKey(quoted[1 : len(quoted)-1])
	total, err := v.Account(key)
	if err != nil {
		return Account{}, err
	}
	a := Account{Balance: total.Balance.String(), Count: total.Count, Tip: tip}
	if before == (Spot{}) {
		before.Index = lastIndex
	}
	err = c.page(&a, v, key, before, limit)
	return a, err
}

// indexedTip returns the last block in the index of addresses, which must be on the active chain.
func (c *Chain) indexedTip(v view) (consensus.Header, error) {
	p, err := readAddresses(v.Reader)
	if err != nil {
		return consensus.Header{}, err
	}
	if active, err := v.active(p); err != nil || !active {
		return consensus.Header{}, cmp.Or(err, ErrNotLevel)
	}
	if p.Index == v.tip.Index {
		return v.tip, nil
	}
	b, err := c.read(v.Reader, p)
	if err != nil {
		return consensus.Header{}, err
	}
	return b.Header(), nil
}

// page reads the history.
func (c *Chain) page(a *Account, v view, key store.Address, before Spot, limit int) error {
	var block *consensus.Block
	var offsets []int
	for spot, err := range v.History(key, before) {
		if err != nil {
			return err
		}
		if len(a.Entries) >= limit {
			a.More = true
			return nil
		}
		if block == nil || block.Index() != spot.Index { // transactions of one block stand together: it is read once
			if block, err = c.blockOf(v, spot); err != nil {
				return err
			}
			offsets = offsets[:0]
			for offset := range block.Spans() {
				offsets = append(offsets, offset)
			}
		}
		if spot.Position >= len(offsets) {
			return fmt.Errorf("%w: block %d has no transaction at position %d", ErrDamaged, spot.Index, spot.Position)
		}
		t, _ := block.TransactionAt(offsets[spot.Position])
		a.Entries = append(a.Entries, Entry{Spot: spot, Block: block.Header(), Transaction: t})
	}
	return nil
}

func (c *Chain) blockOf(v view, s Spot) (*consensus.Block, error) {
	if s.Index > v.tip.Index {
		return nil, fmt.Errorf("%w: the index of addresses names block %d, the tip is %d", ErrDamaged, s.Index, v.tip.Index)
	}
	p, err := v.at(s.Index)
	if err != nil {
		return nil, err
	}
	b, err := c.read(v.Reader, p)
	return b.Block, err
}
