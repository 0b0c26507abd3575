package chain

import (
	"bytes"
	"crypto/sha256"
	"iter"
	"slices"

	"kuai/chain/consensus"
	"kuai/chain/store"
)

// ledger gathers what blocks change about the addresses in them, for one batch: an address costs a batch the same, whether it
// is in one of the blocks or in all.
type ledger struct {
	changes map[string]*change // by name, spelled as in blocks
}

// change is what a batch changes about one address.
type change struct {
	address store.Address
	total   store.Account
	runs    []store.Run // of its history, in blocks that join
	left    bool        // it is in a block that leaves
}

func newLedger() *ledger { return &ledger{changes: make(map[string]*change)} }

// join notes the transactions of a block that the index is to hold; the blocks come in order.
func (l *ledger) join(b *consensus.Block) {
	for position, t := range b.Parts() {
		for c, sign := range l.of(t) {
			c.total.Count++
			c.amount(t, sign)
			c.spot(store.Spot{Index: b.Header().Index, Position: position})
		}
	}
}

// leave notes the transactions of a block that it is not to hold any more.
func (l *ledger) leave(b *consensus.Block) {
	for _, t := range b.Parts() {
		for c, sign := range l.of(t) {
			c.total.Count--
			c.amount(t, -sign)
			c.left = true
		}
	}
}

func (c *change) amount(t consensus.Parts, sign int) {
	if sign != 0 && !c.total.Balance.AddText(t.Amount, sign < 0) {
		panic("chain: a checked block holds an amount that is not a canonical number")
	}
}

func (c *change) spot(s store.Spot) {
	if len(c.runs) == 0 || !c.runs[len(c.runs)-1].Add(s) {
		c.runs = append(c.runs, store.Run{})
		c.runs[len(c.runs)-1].Add(s)
	}
}

// of yields what changes for the addresses of a transaction.
func (l *ledger) of(t consensus.Parts) iter.Seq2[*change, int] {
	return func(yield func(*change, int) bool) {
		for name, sign := range names(t) {
			if !yield(l.change(name), sign) {
				return
			}
		}
	}
}

func (l *ledger) change(name []byte) *change {
	c, ok := l.changes[string(name)]
	if !ok {
		c = &change{address: addressKey(name)}
		l.changes[string(name)] = c
	}
	return c
}

// addressKey shortens an address, spelled as in blocks, to the size of a key. Nobody finds two that meet: that takes 2^64 tries.
func addressKey(name []byte) store.Address {
	h := sha256.Sum256(name)
	return store.Address(h[:])
}

// put puts the changes into the batch. Of addresses in blocks that leave, what is above the fork goes.
func (l *ledger) put(batch *store.Batch, r store.Reader, fork int64) error {
	all := make([]*change, 0, len(l.changes))
	for _, c := range l.changes {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *change) int { return bytes.Compare(a.address[:], b.address[:]) })
	for _, c := range all {
		if c.left {
			if err := cutHistory(batch, r, c.address, fork); err != nil {
				return err
			}
		}
		for i := range c.runs {
			batch.SetRun(c.address, &c.runs[i])
		}
	}
	for _, c := range all {
		if c.total.Count != 0 || c.total.Balance.Sign() != 0 {
			batch.AddAccount(c.address, &c.total)
		}
	}
	return nil
}

// cutHistory drops what is above the fork.
func cutHistory(batch *store.Batch, r store.Reader, a store.Address, fork int64) error {
	for run, err := range r.Runs(a, lastIndex) {
		if err != nil {
			return err
		}
		if run.First <= fork {
			kept := run.Below(fork)
			batch.SetRun(a, &kept)
			return nil
		}
		batch.DeleteRun(a, run.First)
	}
	return nil
}

// names yields the addresses of a transaction: that which receives (1) and that which sends (-1), once (0) if they are the same. A reward is
// sent by nobody.
func names(t consensus.Parts) iter.Seq2[[]byte, int] {
	return func(yield func(name []byte, sign int) bool) {
		switch {
		case string(t.Sender) == consensus.RewardSender:
			yield(t.Recipient, 1)
		case bytes.Equal(t.Sender, t.Recipient):
			yield(t.Recipient, 0)
		default:
			_ = yield(t.Recipient, 1) && yield(t.Sender, -1)
		}
	}
}
