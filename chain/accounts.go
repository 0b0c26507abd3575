package chain

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"kuai/chain/consensus"
	"kuai/chain/store"
)

// ErrFunds says that the sender of a payment has too little: less than the payment and those that are pending for the same sender.
var ErrFunds = errors.New("the sender has too little")

// Balance returns what an account of a secure network has at the tip, and how much of it is not promised to pending payments yet.
func (c *Chain) Balance(a consensus.Address) (confirmed, spendable int64, err error) {
	v, promised := c.viewWithSpends(a)
	defer v.Close()
	confirmed, err = v.Balance(a)
	return confirmed, confirmed - promised, err
}

func (c *Chain) viewWithSpends(a consensus.Address) (v view, promised int64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.viewLocked(), c.pool.spends[a]
}

// accounts are the balances while a batch is put together: those in the store, and what has changed since. On a classic network there
// are none.
type accounts struct {
	from    store.Reader
	funded  *storedIDs // to look up an account takes 20 µs, and most payments of a flood are to new ones
	changed *accountTable
}

func (c *Chain) newAccounts() *accounts {
	return &accounts{c.store.Reader, &c.funded, newAccountTable()}
}

// Balance implements consensus.Accounts.
func (a *accounts) Balance(account consensus.Address) (int64, error) {
	if balance, ok := a.changed.find(account); ok {
		return balance, nil
	}
	if !a.funded.mayHave(accountID(account)) {
		return 0, nil
	}
	return a.from.Balance(account)
}

// SetBalance implements consensus.Accounts.
func (a *accounts) SetBalance(account consensus.Address, balance int64) {
	a.changed.set(account, balance)
}

// put writes the changes, in the order of keys. The accounts must not be used after it.
func (a *accounts) put(batch *store.Batch) {
	if a == nil {
		return
	}
	for account, balance := range a.changed.sorted() {
		batch.SetBalance(account, balance)
		if balance > 0 {
			a.funded.addOnce(accountID(account))
		}
	}
}

// applyRun makes the payments of blocks on the tip. It returns the blocks before the first whose payments are not covered, the balances
// after them, and why that one is refused.
func (c *Chain) applyRun(run []*consensus.Block) ([]*consensus.Block, *accounts, error) {
	if !c.rules.IsSecure() {
		return run, nil, nil
	}
	a := c.newAccounts()
	for i, b := range run {
		if err := b.ApplyTo(a); err != nil {
			valid, a, failed := c.applyRun(run[:i]) // anew: a part of b was applied
			return valid, a, cmp.Or(failed, c.invalid.remember(b.Hash(), err))
		}
	}
	return run, a, nil
}

// endow writes the balances of the genesis block.
func (c *Chain) endow(batch *store.Batch) error {
	if !c.rules.IsSecure() {
		return nil
	}
	a := c.newAccounts()
	err := c.rules.Genesis.ApplyTo(a)
	a.put(batch)
	return err
}

// applySwitch returns the balances after a switch to the chain that ends with b, whose parent is at the start of way. It is read block by
// block, and nothing is written. If a block on the way pays what it cannot, it and those on it are invalid from then on.
func (c *Chain) applySwitch(way path, b *consensus.Block) (*accounts, error) {
	if !c.rules.IsSecure() {
		return nil, nil
	}
	a := c.newAccounts()
	for part, err := range c.store.Active(way.fork().Index+1, c.tip.Index+1) {
		if err != nil {
			return nil, err
		}
		for left, err := range c.parsed(allBlocks(c.store.Reader, part)) {
			if err == nil {
				err = left.RevertFrom(a) // sums: the order does not matter
			}
			if err != nil {
				return nil, err
			}
		}
	}
	for _, part := range way.ranges() {
		for joining, err := range c.parsed(allBlocks(c.store.Reader, part)) {
			if err != nil {
				return nil, err
			}
			if err := joining.ApplyTo(a); err != nil {
				return nil, c.condemn(joining, b, err)
			}
		}
	}
	return a, c.invalid.remember(b.Hash(), b.ApplyTo(a))
}

// condemn handles a side block whose payments are not covered: b, which is on it, is refused, and trimming drops it with all that is
// on it. It returns why b is refused. A failure of the store is returned as it is.
func (c *Chain) condemn(bad storedBlock, b *consensus.Block, err error) error {
	var invalid *consensus.InvalidError
	if !errors.As(err, &invalid) {
		return err
	}
	hash := bad.Hash()
	c.invalid.lru.Add(hash, invalid)
	if from, ok := c.condemned[bad.Position.Branch]; !ok || bad.Position.Index < from {
		c.condemned[bad.Position.Branch] = bad.Position.Index
	}
	c.growing = store.Position{} // trimming keeps the branch that grew last
	signal(c.trimming)
	return c.invalid.remember(b.Hash(), onInvalid(bad.Index(), invalid))
}

// onInvalid says that the block with this index, below the refused one, is invalid.
func onInvalid(index int64, cause *consensus.InvalidError) *consensus.InvalidError {
	return &consensus.InvalidError{
		Rule: consensus.RuleParentInvalid, Detail: fmt.Sprintf("block %d of its branch is %v", index, cause), Ancestor: index, Cause: cause,
	}
}

// onCondemned returns an error if the block that way leads from, or one below it, is condemned.
func (c *Chain) onCondemned(way path) error {
	for branch, leave := range way.leaves {
		if from, ok := c.condemned[branch]; ok && from <= leave {
			return consensus.Invalid(consensus.RuleParentInvalid, "block %d of its branch pays what it cannot", from)
		}
	}
	return nil
}

// stateAt returns the state of the chain that ends with the block at p, whose header is tip.
func (c *Chain) stateAt(p store.Position, tip consensus.Header) (consensus.State, error) {
	s := consensus.State{Tip: tip}
	switch {
	case !c.rules.IsSecure():
		s.Work = classicWork(tip.Index)
	case tip.Index == c.rules.Genesis.Index():
		s = c.rules.Start()
	default:
		work, err := c.store.Work(p)
		s.Work = consensus.WorkOf(work)
		return s, err
	}
	return s, nil
}

// classicWork is the work of that many blocks, each of which takes the same.
func classicWork(blocks int64) consensus.Work { return consensus.Work{3: uint64(blocks)} }

// putWork writes the work of the chain up to a block at p, where it cannot be told from the block.
func (c *Chain) putWork(batch *store.Batch, p store.Position, work consensus.Work) {
	if c.rules.IsSecure() {
		batch.SetWork(p, work.Bytes())
	}
}

// uncovered returns what balances do not cover of the pool and of what a reorg returns to it, once the leaving payments have left: of one
// sender those that are last in order.
func (c *Chain) uncovered(returned, leaving []*pending, a *accounts) (drop []*pending, err error) {
	if a == nil || len(returned) == 0 && len(c.pool.spends) == 0 {
		return nil, nil
	}
	left, err := c.short(returned, leaving, a)
	if err != nil || len(left) == 0 {
		return nil, err
	}
	gone := make(map[*pending]bool, len(leaving))
	for _, p := range leaving {
		gone[p] = true
	}
	for _, p := range append(slices.Clip(returned), c.pool.all()...) {
		has, short := left[p.sender]
		switch {
		case !short || gone[p]:
		case p.amount > has:
			drop = append(drop, p)
		default:
			left[p.sender] = has - p.amount
		}
	}
	return drop, nil
}

// short returns the balances of the senders that would promise more than they have.
func (c *Chain) short(returned, leaving []*pending, a *accounts) (map[consensus.Address]int64, error) {
	more := make(map[consensus.Address]int64)
	for _, p := range returned {
		more[p.sender] += p.amount
	}
	for _, p := range leaving {
		more[p.sender] -= p.amount
	}
	for sender := range c.pool.spends {
		if _, changed := a.changed.find(sender); changed {
			more[sender] += 0
		}
	}
	left := make(map[consensus.Address]int64)
	for sender, change := range more {
		has, err := a.Balance(sender)
		if err != nil {
			return nil, err
		}
		if c.pool.spends[sender]+change > has {
			left[sender] = has
		}
	}
	return left, nil
}

// covered checks that a payment's sender can pay it beside all that is pending. Errors wrap ErrFunds.
func (c *Chain) covered(p *pending) error {
	if !c.rules.IsSecure() {
		return nil
	}
	has, err := c.store.Balance(p.sender)
	if err != nil {
		return err
	}
	if promised := c.pool.spends[p.sender]; p.amount > has-promised {
		return fmt.Errorf("%w: the payment is %d, %s has %d, of which %d are promised to pending payments", ErrFunds, p.amount, p.sender, has, promised)
	}
	return nil
}
