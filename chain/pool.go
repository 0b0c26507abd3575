package chain

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"kuai/chain/consensus"
	"kuai/chain/store"
)

// Bounds of the pool.
const (
	MaxPoolTransactions = 50_000
	MaxPoolBytes        = 16 << 20
	MaxPoolAge          = 24 * time.Hour

	// What a reorg returns has room of its own, as large again, so that a full pool loses nothing that was mined. The pool takes
	// no others until it is within its bounds again.
	MaxPoolReturned      = MaxPoolTransactions
	MaxPoolReturnedBytes = MaxPoolBytes

	// PoolShare is the part of the pool, one in PoolShare, that one sending peer can fill; this node's own API can fill all.
	PoolShare = 2
)

// record is what the store keeps of p.
func record(p *pending) store.Pending {
	return store.Pending{
		Seq: p.seq, Origin: store.Origin{From: nameBytes(p.from), Received: p.received},
		Returned: p.returned, Canonical: []byte(p.Canonical()),
	}
}

// expiry returns the time of arrival, in Unix milliseconds, up to which a transaction has been pending for too long.
func (c *Chain) expiry() int64 { return c.now().Add(-MaxPoolAge).UnixMilli() }

// expire drops what has been pending for too long. Readers skip it before that.
func (c *Chain) expire() error {
	gone, oldest := c.pool.expired(c.expiry())
	if len(gone) == 0 {
		c.setOldest(oldest)
		return nil
	}
	batch := c.store.NewBatch()
	defer batch.Close()
	var unpaid Unpaid
	slices.SortFunc(gone, func(a, b *pending) int { return cmp.Compare(a.seq, b.seq) })
	for _, p := range gone {
		batch.DeletePending(p.seq)
	}
	unpaid.addAll(gone, UnpaidExpired)
	err := c.commit(batch, func() {
		c.pool.removeAll(gone)
		c.pool.oldest = oldest
	})
	if err == nil {
		c.events.add(Event{Kind: EventExpired, Header: c.tip, Unpaid: unpaid})
	}
	return err
}

// expireEvery is the time between two looks for what has been pending for too long: to look costs one comparison.
const expireEvery = 5 * time.Second

// expireInTime drops what has been pending for too long, also while no payment comes, until ctx ends.
func (c *Chain) expireInTime(ctx context.Context) error {
	ticker := time.NewTicker(expireEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		c.writing.Lock()
		err := c.expire()
		c.writing.Unlock()
		if err != nil {
			return err
		}
	}
}

// setOldest notes when the oldest of the pending transactions came, after the one that was the oldest has left: otherwise each later
// call would look at all of them again.
func (c *Chain) setOldest(at int64) {
	if at == c.pool.oldest {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pool.oldest = at
}

// Pending returns the pool's transactions in order of arrival.
func (c *Chain) Pending() []consensus.Payment {
	limit := c.expiry()
	c.mu.RLock()
	defer c.mu.RUnlock()
	all := make([]consensus.Payment, 0, len(c.pool.byID))
	for p := range c.pool.alive(limit) {
		all = append(all, p.Payment)
	}
	return all
}

// PendingByID returns the pending transaction with this id.
func (c *Chain) PendingByID(id consensus.ID) (consensus.Payment, bool) {
	limit := c.expiry()
	c.mu.RLock()
	defer c.mu.RUnlock()
	if p, ok := c.pool.byID[id]; ok && p.received > limit {
		return p.Payment, true
	}
	return consensus.Payment{}, false
}

// State is the tip and the size of the pool, read together.
type State struct {
	Tip          consensus.Header
	Work         consensus.Work
	Pending      int // transactions
	PendingBytes int // their canonical bytes
}

// State returns the tip together with the size of the pool: a transaction that the tip mined is not pending.
func (c *Chain) State() State {
	limit := c.expiry()
	c.mu.RLock()
	defer c.mu.RUnlock()
	s := State{c.tip, c.work, len(c.pool.byID), c.pool.bytes}
	gone, _ := c.pool.expired(limit)
	for _, p := range gone {
		s.Pending--
		s.PendingBytes -= p.size()
	}
	return s
}

// PoolSize returns the number and the canonical bytes of the pending transactions.
func (c *Chain) PoolSize() (count, bytes int) {
	s := c.State()
	return s.Pending, s.PendingBytes
}

// Lookup is where a transaction is.
type Lookup struct {
	Transaction consensus.Transaction
	Pending     bool
	Block       consensus.Header // where it was mined, unless Pending
	Returned    bool             // pending again: a reorg dropped its block
	Tip         consensus.Header // of the active chain then
}

// Transaction finds a transaction in the pool or on the active chain, or returns ErrNotFound.
func (c *Chain) Transaction(id consensus.ID) (Lookup, error) {
	limit := c.expiry()
	p, ok, v := c.viewWith(id)
	defer v.Close()
	if ok && p.received > limit {
		return Lookup{Transaction: p.Transaction(), Pending: true, Returned: p.returned, Tip: v.tip}, nil
	}
	at, ok, err := v.mined(id)
	if err != nil {
		return Lookup{}, err
	}
	if !ok {
		return Lookup{}, ErrNotFound
	}
	b, err := c.read(v.Reader, at.Position)
	if err != nil {
		return Lookup{}, err
	}
	t, ok := b.TransactionAt(at.Offset)
	if !ok || t.ID != id {
		return Lookup{}, fmt.Errorf("%w: block %d does not hold transaction %s at byte %d", ErrDamaged, at.Index, id, at.Offset)
	}
	return Lookup{Transaction: t, Block: b.Header(), Tip: v.tip}, nil
}

// SideBlock returns a block beside the active chain that holds the transaction, or ErrNotFound.
func (c *Chain) SideBlock(id consensus.ID) (consensus.Header, error) {
	v := c.view()
	defer v.Close()
	search, err := v.IDs()
	if err != nil {
		return consensus.Header{}, err
	}
	defer search.Close()
	for at, err := range search.Of(id) {
		if err != nil {
			return consensus.Header{}, err
		}
		if active, err := v.active(at.Position); err != nil {
			return consensus.Header{}, err
		} else if active {
			continue
		}
		b, err := c.read(v.Reader, at.Position)
		if err != nil {
			return consensus.Header{}, err
		}
		return b.Header(), nil
	}
	return consensus.Header{}, ErrNotFound
}

// viewWith returns the state, and the pending transaction with this id in it.
func (c *Chain) viewWith(id consensus.ID) (p *pending, ok bool, v view) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	p, ok = c.pool.byID[id]
	return p, ok, c.viewLocked()
}

// mined returns where on the active chain the transaction is.
func (v view) mined(id consensus.ID) (at store.At, ok bool, err error) {
	search, err := v.IDs()
	if err != nil {
		return at, false, err
	}
	defer search.Close()
	return v.minedBy(search, id)
}

// minedBy is mined with a search of the view that the caller has for many ids.
func (v view) minedBy(search *store.IDs, id consensus.ID) (at store.At, ok bool, err error) {
	for at, err := range search.Of(id) {
		if err != nil {
			return at, false, err
		}
		if ok, err := v.active(at.Position); ok || err != nil {
			return at, ok, err
		}
	}
	return at, false, nil
}

// Lacking returns those of the ids that are neither pending nor on the active chain, in order. It seeks in an index for each that is
// not pending, and reads no transaction. An id that cannot be looked up counts as held, so that it is not asked for again.
func (c *Chain) Lacking(ids []consensus.ID) (lacking []consensus.ID) {
	c.mu.RLock()
	for _, id := range ids {
		if _, ok := c.pool.byID[id]; !ok {
			lacking = append(lacking, id)
		}
	}
	v := c.viewLocked()
	c.mu.RUnlock()
	defer v.Close()
	search, err := v.IDs()
	if err != nil {
		return nil
	}
	defer search.Close()
	return slices.DeleteFunc(lacking, func(id consensus.ID) bool {
		_, mined, err := v.minedBy(search, id)
		return mined || err != nil
	})
}

// Draft is the next block: the tip, and the pending payments in order of arrival within the limits of a block. The reward is
// recipient's. It stops at the first payment that does not fit, so that no later one overtakes it.
func (c *Chain) Draft(recipient string) consensus.Draft {
	limit := c.expiry()
	c.mu.RLock()
	defer c.mu.RUnlock()
	d := consensus.Draft{Parent: c.tip, Recipient: recipient}
	if c.rules.IsSecure() {
		d.Timestamp = timestampAfter(c.tip, c.now())
	}
	room := c.rules.MaxBlockBytes - c.rules.FrameSize(c.tip) - len(c.rules.RewardTo(recipient).AppendCanonical(nil))
	most := c.rules.MaxBlockTransactions - 1
	for p := range c.pool.alive(limit) {
		room -= p.size() + len(", ")
		if room < 0 || len(d.Payments) == most {
			break
		}
		d.Payments = append(d.Payments, p.Payment)
	}
	return d
}

// timestampAfter returns the time of a block on parent: now, or a millisecond after the parent if that is ahead.
func timestampAfter(parent consensus.Header, now time.Time) float64 {
	at := float64(now.UnixMicro()) / 1e6
	if at > parent.Timestamp {
		return at
	}
	return max((math.Floor(parent.Timestamp*1000)+1)/1000, math.Nextafter(parent.Timestamp, math.Inf(1)))
}
