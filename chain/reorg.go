package chain

import (
	"hash/maphash"
	"slices"
	"time"

	"kuai/chain/consensus"
	"kuai/chain/store"
)

// reorg is a change of the active chain to another branch, while it is put together. No block moves: what changes is which
// blocks are active, the tip and the pool.
type reorg struct {
	c     *Chain
	b     *consensus.Block // the new tip
	at    store.Position
	way   path // from its parent to the active chain
	work  consensus.Work
	total int64
	base  int64 // canonical bytes of the chain up to the fork
	batch *store.Batch

	sides    map[uint32]side           // branches as they are then; count 0: without side blocks
	last     store.Range               // of the active chain then
	ids      map[consensus.ID]struct{} // of the new tip, which the store does not hold yet
	joining  *idFilter                 // of the blocks that become active
	paid     payments                  // of these blocks
	mined    []*pending                // pool entries on the new branch
	returned []*pending                // payments of the old branch that the new one lacks
	dropped  []*pending                // of the pool and of those, what is not covered on the new branch
	unpaid   Unpaid                    // those, and what has the id of another payment of the new branch
	balances *accounts
}

// switchTo makes b, whose parent is at the start of way, the tip: in one batch, whatever the depth.
func (c *Chain) switchTo(b *consensus.Block, work consensus.Work, total int64, way path, from string, now time.Time) error {
	s := &reorg{
		c: c, b: b, at: c.follows(way.steps[0]), way: way, work: work, total: total,
		batch: c.store.NewBatch(), sides: make(map[uint32]side), ids: make(map[consensus.ID]struct{}),
	}
	defer s.batch.Close()
	for _, id := range b.IDs() {
		s.ids[id] = struct{}{}
	}
	var err error
	if s.balances, err = c.applySwitch(way, b); err != nil {
		return err
	}
	if _, s.base, err = c.header(way.fork()); err != nil {
		return err
	}
	if err := s.findMined(); err != nil {
		return err
	}
	if err := s.findReturned(now); err != nil {
		return err
	}
	if err := s.findDropped(); err != nil {
		return err
	}
	if err := s.disconnect(now); err != nil {
		return err
	}
	if err := s.connect(); err != nil {
		return err
	}
	old := c.tip
	if err := s.commit(origin(from, now)); err != nil {
		return err
	}
	c.events.add(Event{
		Kind: EventReorg, From: from, Header: c.tip, Block: b, Old: old,
		Returned: len(s.returned), Unpaid: s.unpaid, Dropped: int(old.Index - way.fork().Index),
	})
	c.wakeTrim()
	return nil
}

// findMined finds the pending transactions that the new branch holds, and notes its ids and payments.
func (s *reorg) findMined() error {
	s.joining, s.paid = filterForBlocks(int(s.total-s.base)), newPayments()
	note := func(b *consensus.Block) {
		for offset, id := range b.IDs() {
			s.joining.add(id)
			payment, _ := b.PaymentAt(offset)
			s.paid.add(payment)
			if p, ok := s.c.pool.find(id); ok {
				s.mined = append(s.mined, p)
				if p.Payment != payment {
					s.unpaid.add(p.Payment, UnpaidConflict)
				}
			}
		}
	}
	for _, part := range s.way.ranges() {
		for b, err := range s.c.parsed(allBlocks(s.c.store.Reader, part)) {
			if err != nil {
				return err
			}
			note(b.Block)
		}
	}
	note(s.b)
	return nil
}

// findReturned finds the payments of the old branch that the new one lacks, the first of them that the pool has room for.
func (s *reorg) findReturned(now time.Time) error {
	search, err := s.c.store.IDs()
	if err != nil {
		return err
	}
	defer search.Close()
	room, from := s.c.pool.returnRoom(s.mined), ""
	for part, err := range s.c.store.Active(s.way.fork().Index+1, s.c.tip.Index+1) {
		if err != nil {
			return err
		}
		for b, err := range s.c.parsed(allBlocks(s.c.store.Reader, part)) {
			if err != nil {
				return err
			}
			if string(b.Origin.From) != from {
				from = string(b.Origin.From)
			}
			if err := s.returnAll(b, from, search, &room, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// returnAll returns the payments of a block to the pool, as long as there is room. The first that has none closes it for all behind it.
func (s *reorg) returnAll(b storedBlock, from string, search *store.IDs, room *poolRoom, now time.Time) error {
	for offset := range b.IDs() {
		payment, ok := b.PaymentAt(offset)
		if !ok {
			panic("chain: a block's ids lead to its payments")
		}
		if again, err := s.joins(payment, search); err != nil {
			return err
		} else if again {
			continue
		}
		p := s.c.pending(payment, from, now.UnixMilli())
		p.returned = true
		if !room.take(p) {
			room.count = 0
			s.unpaid.add(payment, UnpaidRoom)
			continue
		}
		s.returned = append(s.returned, p)
		r := record(p)
		r.Canonical, r.At = nil, store.At{Position: b.Position, Offset: offset}
		s.batch.SetPending(r)
	}
	return nil
}

// findDropped finds what of the pool, and of what returns to it, is not covered on the new branch.
func (s *reorg) findDropped() (err error) {
	if s.dropped, err = s.c.uncovered(s.returned, s.mined, s.balances); err != nil || len(s.dropped) == 0 {
		return err
	}
	gone := make(map[*pending]bool, len(s.dropped))
	for _, p := range s.dropped {
		gone[p] = true
	}
	s.unpaid.addAll(s.dropped, UnpaidFunds)
	s.returned = slices.DeleteFunc(s.returned, func(p *pending) bool { return gone[p] })
	return nil
}

// joins reports whether the new branch holds a payment of the old one, or another with its id, which is counted as unpaid.
func (s *reorg) joins(p consensus.Payment, search *store.IDs) (bool, error) {
	if !s.joining.mayHave(p.ID()) {
		return false, nil
	}
	_, ok := s.ids[p.ID()]
	if !ok {
		var err error
		if _, ok, err = s.c.onPath(search, p.ID(), s.way); err != nil || !ok {
			return false, err
		}
	}
	if !s.paid.mayHave(p) {
		s.unpaid.add(p, UnpaidConflict)
	}
	return true, nil
}

// maxPayments bounds the payments of a new branch that are told apart from others with their ids: 4 MiB.
const maxPayments = 1 << 18

// payments are hashes of the payments of a branch. To read the block of each one instead takes minutes for a thousand full blocks.
type payments struct {
	seed   maphash.Seed // secret, as senders choose the texts
	hashes map[uint64]struct{}
}

func newPayments() payments { return payments{maphash.MakeSeed(), make(map[uint64]struct{})} }

func (s *payments) add(p consensus.Payment) {
	if len(s.hashes) < maxPayments {
		s.hashes[maphash.String(s.seed, p.Canonical())] = struct{}{}
	}
}

// mayHave reports whether p was added; of every payment if there were too many.
func (s *payments) mayHave(p consensus.Payment) bool {
	_, ok := s.hashes[maphash.String(s.seed, p.Canonical())]
	return ok || len(s.hashes) == maxPayments
}

// disconnect makes the active blocks above the fork side blocks.
func (s *reorg) disconnect(now time.Time) error {
	c, parent, base := s.c, s.way.fork(), s.base
	for part, err := range c.store.Active(parent.Index+1, c.tip.Index+1) {
		if err != nil {
			return err
		}
		if part.Branch != parent.Branch {
			s.batch.DeleteActive(part.From)
		}
		end := store.Position{Branch: part.Branch, Index: part.To - 1}
		tip, total, err := c.header(end)
		if err != nil {
			return err
		}
		n := side{from: part.From, parent: parent, tip: tip, base: base, total: total, changed: now.UnixMilli()}
		if tail, ok := c.sides.branches[part.Branch]; ok {
			n.tip, n.total = tail.tip, tail.total
		}
		s.sides[part.Branch] = n
		s.batch.SetSide(part.Branch, n.from, n.parent)
		parent, base = end, total
	}
	return nil
}

// connect makes the side blocks on the way active, and the new tip.
func (s *reorg) connect() error {
	on := s.way.fork()
	s.last = store.Range{Branch: on.Branch, From: on.Index}
	for _, part := range append(s.way.ranges(), store.Range{Branch: s.at.Branch, From: s.at.Index, To: s.at.Index + 1}) {
		if part.Branch != s.last.Branch {
			s.last = store.Range{Branch: part.Branch, From: part.From}
			s.batch.SetActive(part.From, part.Branch)
		}
		if err := s.shorten(part); err != nil {
			return err
		}
	}
	return nil
}

// shorten takes the blocks of part, and those before it, out of the side blocks of its branch.
func (s *reorg) shorten(part store.Range) error {
	n, ok := s.c.sides.branches[part.Branch]
	if !ok { // a new branch, of the new tip alone
		return nil
	}
	s.batch.DeleteSide(part.Branch)
	end := store.Position{Branch: part.Branch, Index: part.To - 1}
	if end.Index >= n.tip.Index {
		s.sides[part.Branch] = side{from: 1}
		return nil
	}
	_, total, err := s.c.header(end)
	if err != nil {
		return err
	}
	n.from, n.parent, n.base = part.To, end, total
	s.sides[part.Branch] = n
	s.batch.SetSide(part.Branch, n.from, n.parent)
	return nil
}

// commit applies the batch, and changes what memory holds.
func (s *reorg) commit(o store.Origin) error {
	c := s.c
	c.put(s.batch, s.b, s.work, s.at, s.way.steps[0], s.total, o)
	s.balances.put(s.batch)
	leaving := append(s.mined, s.dropped...)
	for _, p := range leaving {
		s.batch.DeletePending(p.seq)
	}
	setTip(s.batch, s.b.Header())
	pool := c.pool.exchange(leaving, s.returned)
	return c.commit(s.batch, func() {
		c.tip, c.work, c.total, c.last = s.b.Header(), s.work, s.total, s.last
		c.sides.update(s.sides)
		c.sides.last = max(c.sides.last, s.at.Branch)
		pool()
	})
}
