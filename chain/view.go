package chain

import (
	"fmt"
	"iter"
	"sync/atomic"

	"kuai/chain/consensus"
	"kuai/chain/store"
)

// view is the state as it was when it was made. Close it.
type view struct {
	store.Reader
	tip  consensus.Header
	last store.Range // of the active chain, the part that the tip is in; To is not set
	snap *sharedSnapshot
}

// view returns the state as it is now.
func (c *Chain) view() view {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.viewLocked()
}

// viewLocked is view for a caller that holds c.mu.
func (c *Chain) viewLocked() view {
	snap := c.shown
	if snap == nil {
		snap = c.newSnapshot()
	} else {
		snap.users.Add(1)
	}
	return view{snap.Reader, c.tip, c.last, snap}
}

// Close releases the view.
func (v view) Close() error { return v.snap.release() }

// sharedSnapshot is a snapshot of the store for one or more views.
type sharedSnapshot struct {
	*store.Snapshot
	users atomic.Int64
}

func (c *Chain) newSnapshot() *sharedSnapshot {
	s := &sharedSnapshot{Snapshot: c.store.NewSnapshot()}
	s.users.Add(1)
	return s
}

func (s *sharedSnapshot) release() error {
	if s.users.Add(-1) > 0 {
		return nil
	}
	return s.Close()
}

// tipAt returns where the tip is stored.
func (v view) tipAt() store.Position {
	return store.Position{Branch: v.last.Branch, Index: v.tip.Index}
}

// at returns where the active chain's block with this index is stored.
func (v view) at(index int64) (store.Position, error) {
	if index >= v.last.From {
		return store.Position{Branch: v.last.Branch, Index: index}, nil
	}
	for r, err := range v.Active(index, index+1) {
		return store.Position{Branch: r.Branch, Index: index}, err
	}
	panic("chain: the active chain has no index below the genesis")
}

// active reports whether the block at p, which is held, is on the active chain.
func (v view) active(p store.Position) (bool, error) {
	if p.Index > v.tip.Index {
		return false, nil
	}
	at, err := v.at(p.Index)
	return at == p, err
}

// blocks yields the active chain's blocks with index in [from, to), ascending. Raw is valid until the next step. A block that is
// missing is an error.
func (v view) blocks(from, to int64) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		for r, err := range v.Active(from, to) {
			if err != nil {
				yield(store.Record{}, err)
				return
			}
			for rec, err := range allBlocks(v.Reader, r) {
				if !yield(rec, err) || err != nil {
					return
				}
			}
		}
	}
}

// allBlocks yields the blocks of a range, all of which must be held.
func allBlocks(from store.Reader, r store.Range) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		next := r.From
		for rec, err := range from.Blocks(r.Branch, r.From, r.To) {
			if err == nil && rec.Position.Index != next {
				break
			}
			if !yield(rec, err) || err != nil {
				return
			}
			next++
		}
		if next < r.To {
			yield(store.Record{}, fmt.Errorf("%w: block %d of branch %d is missing", ErrDamaged, next, r.Branch))
		}
	}
}

// storedBlock is a block and its record.
type storedBlock struct {
	*consensus.Block
	store.Record
}

// read returns the block at p, which must be held.
func (c *Chain) read(r store.Reader, p store.Position) (storedBlock, error) {
	rec, ok, err := r.Block(p)
	if err == nil && !ok {
		err = fmt.Errorf("%w: block %d of branch %d is missing", ErrDamaged, p.Index, p.Branch)
	}
	if err != nil {
		return storedBlock{}, err
	}
	return c.parse(rec, new(consensus.Block))
}

// parsed yields the blocks of the records. Each is valid until the next step.
func (c *Chain) parsed(records iter.Seq2[store.Record, error]) iter.Seq2[storedBlock, error] {
	return func(yield func(storedBlock, error) bool) {
		var block consensus.Block
		for rec, err := range records {
			var b storedBlock
			if err == nil {
				b, err = c.parse(rec, &block)
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// parse reads a block into b. It was valid when it came: if it breaks a rule now, it was damaged since.
func (c *Chain) parse(rec store.Record, b *consensus.Block) (storedBlock, error) {
	if rec.Position.Index == c.rules.Genesis.Index() {
		return storedBlock{c.rules.Genesis, rec}, nil
	}
	if err := c.rules.ParseInto(b, rec.Raw); err != nil {
		return storedBlock{}, fmt.Errorf("%w: block %d of branch %d: %w", ErrDamaged, rec.Position.Index, rec.Position.Branch, err)
	}
	if b.Index() != rec.Position.Index {
		return storedBlock{}, fmt.Errorf("%w: the block stored as %d of branch %d has index %d", ErrDamaged, rec.Position.Index, rec.Position.Branch, b.Index())
	}
	return storedBlock{b, rec}, nil
}
