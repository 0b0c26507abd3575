package chain

import (
	"cmp"
	"crypto/rand"
	"fmt"

	"kuai/chain/consensus"
)

// Submit adds a received payment to the pool and returns the index of the block that can hold it at the earliest. It does not wait
// for the disk. from names the sending peer. Errors: *InvalidError, ErrKnown (pending or mined), ErrPoolFull, ErrFunds, or a failure of the store.
func (c *Chain) Submit(payment consensus.Payment, from string) (next int64, err error) {
	if err := c.checkSignature(payment); err != nil {
		return 0, err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if p, ok := c.pool.staged[payment.ID()]; ok && p.Payment == payment && c.Err() == nil {
		return c.enter(p, from), nil // a peer has it: there is nothing to wait for
	}
	p, err := c.admit(payment, from)
	if err != nil {
		return 0, err
	}
	if err := c.write(p, func() { c.pool.insert(p) }); err != nil {
		return 0, err
	}
	c.events.add(Event{Kind: EventTransaction, From: from, Payment: payment})
	return c.tip.Index + 1, nil
}

// made is a payment that was made at this node, on its way to disk.
type made struct {
	payment consensus.Payment
	p       *pending // what is staged under its id; nil if it was refused
	next    int64
	err     error
}

// Pay adds a payment that was made at this node, and returns when it is on disk. Nobody sees the payment before that. Returns as
// Submit, and ErrUnsettled if the disk fails meanwhile: the payment may then be pending after a restart. The same payment, by its
// id, waits for the same outcome and gets ErrKnown, so it is never paid twice.
func (c *Chain) Pay(payment consensus.Payment) (next int64, err error) {
	if err := c.checkSignature(payment); err != nil {
		return 0, err
	}
	m := &made{payment: payment}
	_ = c.syncs.share(m, c.bring) // m has what it means for the payment
	return m.next, m.err
}

// stage writes payments that nobody sees yet, in one batch, without waiting for the disk.
func (c *Chain) stage(all []*made) {
	if len(all) == 0 {
		return
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	batch := c.store.NewBatch()
	defer batch.Close()
	var staged []*made
	for _, m := range all {
		if p, ok := c.pool.staged[m.payment.ID()]; ok {
			m.p, m.err = p, ErrKnown
			continue
		}
		p, err := c.admit(m.payment, "")
		if err != nil {
			m.err = err
			continue
		}
		m.p = p
		c.pool.stage(p) // also if the write fails: the id stays taken until a restart
		batch.SetPending(record(p))
		staged = append(staged, m)
	}
	if len(staged) == 0 {
		return
	}
	if err := c.commit(batch, func() {}); err != nil {
		for _, m := range staged {
			m.p, m.err = nil, unsettled(err)
		}
	}
}

// enterStaged shows the staged payments to everybody. They are on disk, unless failed says why not.
func (c *Chain) enterStaged(all []*made, failed error) {
	if len(all) == 0 {
		return
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	for _, m := range all {
		switch {
		case m.p == nil:
		case failed != nil && m.p.Payment == m.payment:
			m.err = unsettled(failed)
		case failed != nil:
			m.err = failed // another payment has this id; this one was not written
		default:
			next, err := c.enterOne(m.p)
			m.next, m.err = next, cmp.Or(m.err, err)
		}
	}
}

// enterOne shows a staged payment. ErrKnown if a block has taken it meanwhile, ErrFunds if its sender has too little since.
func (c *Chain) enterOne(p *pending) (next int64, err error) {
	switch {
	case c.pool.staged[p.ID()] == p:
		return c.enter(p, ""), nil
	case c.pool.byID[p.ID()] == p: // entered by a peer's or by the same payment sent again
		return c.tip.Index + 1, nil
	}
	if err := c.unknown(p.ID()); err != nil {
		return 0, err
	}
	return 0, fmt.Errorf("%w: another payment of the sender was mined first", ErrFunds)
}

// checkSignature checks the signature of a payment on a secure network, unless it is known to be valid. Errors are *InvalidError.
func (c *Chain) checkSignature(payment consensus.Payment) error {
	if !c.rules.IsSecure() {
		return nil
	}
	if known, ok := c.PendingByID(payment.ID()); ok && known == payment {
		return nil
	}
	raw := []byte(payment.Canonical())
	if c.checked.has(raw) {
		return nil
	}
	return c.rules.Signatures().Check(raw)
}

// admit returns the pool's next payment, if there is room and it is not known.
func (c *Chain) admit(payment consensus.Payment, from string) (*pending, error) {
	if payment.Canonical() == "" {
		panic("chain: a Payment is made by the rules") // its zero value is not a payment
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	if err := c.expire(); err != nil {
		return nil, err
	}
	if err := c.unknown(payment.ID()); err != nil {
		return nil, err
	}
	if !c.pool.room(len(payment.Canonical()), from) {
		return nil, ErrPoolFull
	}
	p := c.pending(payment, from, c.now().UnixMilli())
	p.seq = c.pool.next
	return p, c.covered(p)
}

// unknown returns ErrKnown for a transaction that is pending, staged or on the active chain.
func (c *Chain) unknown(id consensus.ID) error {
	if _, ok := c.pool.find(id); ok {
		return ErrKnown
	}
	if !c.stored.mayHave(id) {
		return nil // a search takes 1.4 of the 10 µs of a payment (BenchmarkDurablePost)
	}
	search, err := c.store.IDs()
	if err != nil {
		return err
	}
	defer search.Close()
	if _, mined, err := c.onPath(search, id, c.sides.path(c.at())); mined || err != nil {
		return cmp.Or(err, ErrKnown)
	}
	return nil
}

// write puts p's record into the store. What readers see of the pool is memory, which change changes.
func (c *Chain) write(p *pending, change func()) error {
	batch := c.store.NewBatch()
	defer batch.Close()
	batch.SetPending(record(p))
	return c.commit(batch, change)
}

// enter shows a staged payment to everybody; from names who gave it.
func (c *Chain) enter(p *pending, from string) (next int64) {
	c.mu.Lock()
	c.pool.unstage(p)
	c.pool.insert(p)
	c.mu.Unlock()
	c.events.add(Event{Kind: EventTransaction, From: from, Payment: p.Payment})
	return c.tip.Index + 1
}

// NewID draws a random id.
func NewID() consensus.ID {
	var id consensus.ID
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the process if the system has no randomness
	return id
}
