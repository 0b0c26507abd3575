package chain

import (
	"bytes"
	"fmt"

	"kuai/chain/consensus"
)

// auditAtOnce is how many signatures are gathered before all cores check them.
const auditAtOnce = 1024

// audit checks what only secure networks have, block after block from the genesis on: signatures, balances and work. It holds all
// accounts, some 60 bytes each.
type audit struct {
	c          *Chain
	v          view
	state      consensus.State
	balances   map[consensus.Address]int64
	signatures consensus.Signatures
	unchecked  []signedPayment
}

// newAudit returns nothing for a classic network.
func newAudit(c *Chain, v view) *audit {
	if !c.rules.IsSecure() {
		return nil
	}
	return &audit{c: c, v: v, state: c.rules.Start(), balances: make(map[consensus.Address]int64), signatures: c.rules.Signatures()}
}

// Balance implements consensus.Accounts.
func (a *audit) Balance(account consensus.Address) (int64, error) { return a.balances[account], nil }

// SetBalance implements consensus.Accounts.
func (a *audit) SetBalance(account consensus.Address, balance int64) {
	if balance == 0 {
		delete(a.balances, account)
		return
	}
	a.balances[account] = balance
}

// block checks the next block.
func (a *audit) block(b *consensus.Block) error {
	if a == nil {
		return nil
	}
	if err := b.ApplyTo(a); err != nil {
		return err
	}
	if b.Index() == a.c.rules.Genesis.Index() {
		return nil
	}
	if err := a.checkWork(b); err != nil {
		return err
	}
	for offset, raw := range b.Spans() {
		if _, ok := b.PaymentAt(offset); ok {
			a.unchecked = append(a.unchecked, signedPayment{int(b.Index()), bytes.Clone(raw)})
		}
	}
	if len(a.unchecked) < auditAtOnce {
		return nil
	}
	return a.checkSignatures()
}

func (a *audit) checkWork(b *consensus.Block) error {
	a.state = a.c.rules.Next(a.state, b.Header())
	p, err := a.v.at(b.Index())
	if err != nil {
		return err
	}
	kept, err := a.v.Work(p)
	if err == nil && consensus.WorkOf(kept) != a.state.Work {
		err = fmt.Errorf("its chain has the work %s, its record says %s", a.state.Work, consensus.WorkOf(kept))
	}
	return err
}

func (a *audit) checkSignatures() error {
	i, err := checkAll(a.signatures, a.unchecked)
	if err != nil {
		err = &badBlock{int64(a.unchecked[i].block), err}
	}
	a.unchecked = a.unchecked[:0]
	return err
}

// badBlock is an error of a block before the one that is looked at.
type badBlock struct {
	index int64
	err   error
}

func (e *badBlock) Error() string { return fmt.Sprintf("block %d: %s", e.index, e.err) }

func (e *badBlock) Unwrap() error { return e.err }

// end checks what is left, and compares the accounts in the store with those after the last block.
func (a *audit) end() error {
	if a == nil {
		return nil
	}
	if err := a.checkSignatures(); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	kept, wrong := 0, ""
	err := a.v.EachBalance(func(account [32]byte, balance int64) error {
		kept++
		if want := a.balances[account]; balance != want && wrong == "" {
			wrong = fmt.Sprintf("%s has %d, its payments leave %d", consensus.Address(account), balance, want)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if wrong == "" && kept != len(a.balances) {
		wrong = fmt.Sprintf("%d accounts have something, %d are kept", len(a.balances), kept)
	}
	if wrong != "" {
		return fmt.Errorf("%w: the balances are not those of the blocks, which are sound: %s; export the blocks and import them into a new directory", ErrDamaged, wrong)
	}
	return nil
}
