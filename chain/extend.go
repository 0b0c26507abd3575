package chain

import (
	"cmp"
	"time"

	"kuai/chain/consensus"
	"kuai/chain/store"
)

// idPosition is a transaction id and where it is in the chain.
type idPosition struct {
	id     consensus.ID
	index  int64
	offset int
}

// extend adds the blocks, each of which extends the one before, to the tip, in one batch. It returns how many it added:
// all, or those before the one that the error is about.
func (c *Chain) extend(run []*consensus.Block, from string) (n int, err error) {
	now := c.now()
	run, ids, balances, refusal := c.checkNext(run, now)
	if len(run) == 0 {
		return 0, refusal
	}
	batch := c.store.NewBatch()
	defer batch.Close()
	if err := c.extendBy(batch, run, ids, balances, from, now); err != nil {
		return 0, err
	}
	return len(run), refusal
}

// checkNext returns those of the blocks that can extend the tip, in order, their ids and the balances after them: all, or those before
// the one that the error is about.
func (c *Chain) checkNext(run []*consensus.Block, now time.Time) (valid []*consensus.Block, ids []idPosition, balances *accounts, refusal error) {
	if err := c.Err(); err != nil {
		return nil, nil, nil, err
	}
	if err := c.invalid.check(run[0].Header()); err != nil {
		return nil, nil, nil, err
	}
	if err := c.rules.CheckLink(c.tip, run[0]); err != nil {
		return nil, nil, nil, c.invalid.remember(run[0].Header().Hash, err)
	}
	ids = c.idsOf(run)
	valid, refusal = c.checkRun(run, ids, c.sides.path(c.at()), now)
	valid, balances, uncovered := c.applyRun(valid)
	return valid, ids, balances, cmp.Or(uncovered, refusal)
}

// idsOf collects the ids in the blocks, sorted by id and index.
func (c *Chain) idsOf(run []*consensus.Block) []idPosition {
	ids := c.ids[:0]
	for _, b := range run {
		for offset, id := range b.IDs() {
			ids = append(ids, idPosition{id, b.Index(), offset})
		}
	}
	c.ids = ids
	return sortedByKey(ids, func(p idPosition) (key [32]byte) { copy(key[:], p.id[:]); return key })
}

// checkRun returns the blocks before the first that is refused, and why it is. way leads down from the parent of the first.
func (c *Chain) checkRun(run []*consensus.Block, ids []idPosition, way path, now time.Time) ([]*consensus.Block, error) {
	twice, err := c.firstTwice(ids, way)
	for i, b := range run {
		if err != nil && twice <= b.Index() {
			return run[:i], c.invalid.remember(b.Header().Hash, err)
		}
		if err := c.rules.CheckTime(b, now); err != nil {
			return run[:i], err
		}
	}
	return run, nil
}

// firstTwice finds the lowest block with an id that is on the chain below the blocks, or in a block before it. After a failure to
// look up it is 0: none of the blocks can be checked.
func (c *Chain) firstTwice(ids []idPosition, way path) (index int64, refusal error) {
	if len(ids) == 0 {
		return 0, nil
	}
	search, err := c.store.IDs()
	if err != nil {
		return 0, err
	}
	defer search.Close()
	for i, p := range ids {
		on, ok, err := c.onPath(search, p.id, way)
		if err != nil {
			return 0, err
		}
		if !ok && i > 0 && ids[i-1].id == p.id {
			on, ok = ids[i-1].index, true
		}
		if ok && (refusal == nil || p.index < index) {
			index, refusal = p.index, consensus.Invalid(consensus.RuleDuplicateID, "transaction %s is in block %d of the same branch", p.id, on)
		}
	}
	return index, refusal
}

// extendBy adds blocks that were checked, by the batch; ids may be of blocks after them, too.
func (c *Chain) extendBy(batch *store.Batch, run []*consensus.Block, ids []idPosition, balances *accounts, from string, now time.Time) error {
	old, tip := c.tip, run[len(run)-1]
	total, leaving, unpaid := c.fill(batch, run, ids, origin(from, now))
	work := c.fillWork(batch, run)
	dropped, err := c.uncovered(nil, leaving, balances)
	if err != nil {
		return err
	}
	balances.put(batch)
	for _, p := range dropped {
		batch.DeletePending(p.seq)
	}
	leaving = append(leaving, dropped...)
	unpaid.addAll(dropped, UnpaidFunds)
	setTip(batch, tip.Header())
	err = c.commit(batch, func() {
		c.tip, c.work, c.total = tip.Header(), work, total
		c.pool.removeAll(leaving)
	})
	if err != nil {
		return err
	}
	if len(run) > 1 { // the event must not keep a whole page of blocks
		tip = tip.Clone()
	}
	c.events.add(Event{Kind: EventBlock, From: from, Header: tip.Header(), Block: tip, Old: old, Unpaid: unpaid})
	return nil
}

// fill puts the blocks and their indexes into the batch. It returns the canonical bytes of the chain then, the pending transactions
// whose ids the blocks hold, and those of them whose id is another payment's there. Keys that come in order cost the engine half as
// much, so one kind follows the other, each sorted.
func (c *Chain) fill(batch *store.Batch, run []*consensus.Block, ids []idPosition, o store.Origin) (total int64, mined []*pending, unpaid Unpaid) {
	total = c.total
	for _, b := range run {
		total += int64(len(b.Canonical()))
		batch.SetBlock(store.Record{Position: c.activeAt(b.Index()), Origin: o, Total: total, Raw: b.Canonical()})
	}
	for _, b := range sortedByKey(run, func(b *consensus.Block) [32]byte { return b.Hash() }) {
		batch.SetPosition(b.Hash(), c.activeAt(b.Index()))
	}
	first, last := run[0].Index(), run[len(run)-1].Index()
	for _, p := range ids {
		if p.index > last {
			continue
		}
		c.stored.add(p.id)
		batch.SetID(p.id, c.activeAt(p.index), p.offset)
		if waits, ok := c.pool.find(p.id); ok {
			mined = append(mined, waits)
			batch.DeletePending(waits.seq)
			if !holds(run[p.index-first], p.offset, waits.Payment) {
				unpaid.add(waits.Payment, UnpaidConflict)
			}
		}
	}
	return total, mined, unpaid
}

// holds reports whether the transaction at this offset of a block is p: another payment may have the same id.
func holds(b *consensus.Block, offset int, p consensus.Payment) bool {
	rest := b.Canonical()[offset:]
	return len(rest) >= len(p.Canonical()) && string(rest[:len(p.Canonical())]) == p.Canonical()
}

// fillWork writes the work up to each of the blocks on the tip, where it is kept, and returns that after the last.
func (c *Chain) fillWork(batch *store.Batch, run []*consensus.Block) consensus.Work {
	if !c.rules.IsSecure() {
		return classicWork(run[len(run)-1].Index())
	}
	s := c.state()
	for _, b := range run {
		s = c.rules.Next(s, b.Header())
		c.putWork(batch, c.activeAt(b.Index()), s.Work)
	}
	return s.Work
}

// activeAt returns where an active block on the tip's branch, or one that extends the tip, is stored.
func (c *Chain) activeAt(index int64) store.Position {
	return store.Position{Branch: c.last.Branch, Index: index}
}

// at returns where the tip is stored.
func (c *Chain) at() store.Position { return c.activeAt(c.tip.Index) }

// origin is who sent a block, and when it came.
func origin(from string, now time.Time) store.Origin {
	return store.Origin{From: nameBytes(from), Received: now.UnixMilli()}
}

// nameBytes is a peer's name as the store keeps it: names are ids and addresses, which are shorter than its limit.
func nameBytes(from string) []byte { return []byte(from[:min(len(from), store.MaxFromBytes)]) }
