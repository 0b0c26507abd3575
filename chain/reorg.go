package chain

import (
	"errors"
	"time"

	"kuai/chain/store"
)

// switching is a change of the active chain to another branch, while it is put together.
type switching struct {
	c     *Chain
	batch *store.Batch
	way   path
	next  sides
	tip   Header
	now   time.Time
	apply func(*store.Batch, func()) error

	above    *idSums // of a step: the ids that later ones mine; nil otherwise
	ledger   *ledger
	ids      map[ID]struct{} // on the new branch, above the fork
	mined    []*pending      // pool entries among them
	returned []*pending      // payments of the old branch that the new one lacks
}

// reorg switches to the branch of b, whose parent is where way starts: blocks, indexes, tip and pool in one batch, unless that
// would be too large.
func (c *Chain) reorg(b *Block, way path, from string, now time.Time) error {
	if c.sides.weight(way) > int64(c.switchBytes) { // what it drops is weighed only on the way
		return c.reorgInSteps(b, way, from, now)
	}
	s := c.newSwitching(way, now)
	defer s.batch.Close()
	old, known := c.tip, c.senders.count()
	if err := s.fill(b, from); err != nil {
		c.senders.forget(known) // the batch has their names
		if errors.Is(err, errLargeSwitch) {
			return c.reorgInSteps(b, way, from, now)
		}
		return err
	}
	if err := s.commit(); err != nil {
		return err
	}
	c.events.add(Event{
		Kind: EventReorg, From: from, Header: c.tip, Block: b, Old: old,
		Returned: len(s.returned), Dropped: int(old.Index - way.fork()),
	})
	return c.trimSides(path{{}})
}

func (c *Chain) newSwitching(way path, now time.Time) *switching {
	return &switching{c: c, batch: c.store.NewBatch(), way: way, next: c.sides.clone(), now: now, apply: c.commit, ledger: newLedger(), ids: make(map[ID]struct{})}
}

// fill puts the whole switch into the batch, with the new tip.
func (s *switching) fill(b *Block, from string) error {
	if err := s.raise(); err != nil {
		return err
	}
	s.raiseBlock(b, s.c.origin(s.batch, from, s.now))
	return s.lower()
}

// grown returns errLargeSwitch where the batch of a whole switch has become too large.
func (s *switching) grown() error {
	if s.above == nil && s.batch.Bytes() > s.c.switchBytes {
		return errLargeSwitch
	}
	return nil
}

// raise makes the side blocks on the way part of the active chain, the lowest first.
func (s *switching) raise() error {
	for i := len(s.way) - 2; i >= 0; i-- {
		if err := s.raiseBranch(s.way[i], s.way[i+1].Index); err != nil {
			return err
		}
	}
	return nil
}

// raiseBranch raises the blocks (below, top.Index] of branch top.Branch. What is left of it, and what hung on the
// raised blocks, hangs on the active chain from now on.
func (s *switching) raiseBranch(top store.Place, below int64) error {
	br := s.next.branches[top.Branch]
	for rec, err := range s.c.store.Blocks(top.Branch, below+1, top.Index+1) {
		if err != nil {
			return err
		}
		b, err := s.c.parseHeld(rec)
		if err != nil {
			return err
		}
		deleteSide(s.batch, rec.Place, b)
		s.raiseBlock(b, rec.Origin)
		br.bytes -= int64(len(rec.Raw))
		if err := s.grown(); err != nil {
			return err
		}
	}
	for n, hanging := range s.next.branches {
		if hanging.parent.Branch == top.Branch && hanging.parent.Index <= top.Index {
			s.setParent(n, activeBranch)
		}
	}
	s.next.remove(top.Branch)
	if br.tip.Index == top.Index {
		s.batch.DeleteBranch(top.Branch)
		return nil
	}
	br.parent = store.Place{Index: top.Index}
	s.next.set(top.Branch, br)
	s.batch.SetBranch(top.Branch, br.record())
	return nil
}

// raiseBlock makes b part of the active chain.
func (s *switching) raiseBlock(b *Block, o store.Origin) {
	place := store.Place{Index: b.Index()}
	s.batch.SetBlock(place, o, b.raw)
	s.batch.SetPlace(b.header.Hash, place)
	for offset, id := range b.IDs() {
		s.batch.SetMined(id, place.Index, offset)
		s.c.filter.add(id)
		s.ids[id] = struct{}{}
		if p, ok := s.c.pool.find(id); ok {
			s.mined = append(s.mined, p)
		}
	}
	s.ledger.join(b)
	s.tip = b.header
}

// setParent hangs branch n, at the same index, on another branch.
func (s *switching) setParent(n uint32, on uint32) {
	br := s.next.branches[n]
	br.parent.Branch = on
	s.next.set(n, br)
	s.batch.SetBranch(n, br.record())
}

// lower makes the active blocks above the fork a side branch, with what hangs on them.
func (s *switching) lower() error {
	fork, old := s.way.fork(), s.c.tip
	if old.Index == fork {
		return nil
	}
	n := s.next.last + 1
	for m, hanging := range s.c.sides.branches {
		if hanging.parent.Branch == activeBranch && hanging.parent.Index > fork {
			s.setParent(m, n)
		}
	}
	br := branch{parent: store.Place{Index: fork}, tip: old}
	for rec, err := range s.c.store.Blocks(activeBranch, fork+1, old.Index+1) {
		if err != nil {
			return err
		}
		b, err := s.c.parseHeld(rec)
		if err != nil {
			return err
		}
		s.lowerBlock(b, store.Place{Branch: n, Index: b.Index()}, rec.Origin)
		br.bytes += int64(len(b.raw))
		if err := s.grown(); err != nil {
			return err
		}
	}
	s.next.set(n, br)
	s.batch.SetBranch(n, br.record())
	return nil
}

// lowerBlock moves b from the active chain to p; payments that the new branch lacks are pending again.
func (s *switching) lowerBlock(b *Block, p store.Place, o store.Origin) {
	if p.Index > s.tip.Index {
		s.batch.DeleteBlock(store.Place{Index: p.Index})
	}
	putSide(s.batch, p, o, b)
	s.ledger.leave(b)
	for offset, id := range b.IDs() {
		if _, ok := s.ids[id]; ok {
			continue
		}
		s.batch.DeleteMined(id)
		if s.above != nil && s.above.has(id) {
			continue
		}
		t, canonical, _ := b.TransactionAt(offset)
		s.returned = append(s.returned, &pending{
			Transaction: t, size: len(canonical), from: s.c.senders.name(o.From), received: s.now.UnixMilli(), returned: true,
		})
	}
}

// commit applies the batch, and then moves what memory holds.
func (s *switching) commit() error {
	c := s.c
	if err := s.ledger.put(s.batch, c.store.Reader, s.way.fork()); err != nil {
		return err
	}
	for _, p := range s.mined {
		s.batch.DeletePending(p.seq)
	}
	s.returned = c.pool.number(s.returned, s.mined)
	for _, p := range s.returned {
		s.batch.SetPending(c.record(s.batch, p))
	}
	setTip(s.batch, s.tip)
	recorded := c.filter.record(s.batch, s.way.fork(), s.tip.Index)
	return s.apply(s.batch, func() {
		recorded()
		c.tip, c.sides = s.tip, s.next
		c.pool.removeAll(s.mined)
		c.pool.insertFront(s.returned)
	})
}
