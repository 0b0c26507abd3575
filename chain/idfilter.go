package chain

import (
	"context"
	"hash/maphash"

	"kuai/chain/consensus"
	"kuai/chain/store"
)

const (
	// maxFilterBytes bounds the filter of a reorg. With more ids than it is made for it says of more of them that it may have them.
	maxFilterBytes = 4 << 20

	filterBits   = 10 // of a filter for each id: one in a hundred that it lacks is looked up in vain
	filterProbes = 7
)

// idFilter says of an id that it lacks it, or that it may have it: a Bloom filter. A look into the store for an id takes 10 to 50 µs,
// as the engine's own filters do not stay in its cache. Senders choose ids, so its seed is secret.
type idFilter struct {
	seed maphash.Seed
	bits []uint64
}

// newIDFilter returns a filter for so many ids.
func newIDFilter(ids int) *idFilter {
	return &idFilter{seed: maphash.MakeSeed(), bits: make([]uint64, ids*filterBits/64+1)}
}

// filterForBlocks returns a filter for the ids in blocks of so many canonical bytes, within maxFilterBytes.
func filterForBlocks(bytes int) *idFilter {
	return newIDFilter(min(bytes/consensus.MinIDTransaction+1, maxFilterBytes*8/filterBits))
}

// probe returns where the i-th bit of an id with this hash is.
func (f *idFilter) probe(hash uint64, i uint64) (word int, bit uint64) {
	at := (hash + i*(hash>>32|1)) % (64 * uint64(len(f.bits)))
	return int(at / 64), 1 << (at % 64)
}

func (f *idFilter) add(id consensus.ID) {
	hash := maphash.Bytes(f.seed, id[:])
	for i := range uint64(filterProbes) {
		word, bit := f.probe(hash, i)
		f.bits[word] |= bit
	}
}

// mayHave reports whether id was added; of some ids also if it was not.
func (f *idFilter) mayHave(id consensus.ID) bool {
	hash := maphash.Bytes(f.seed, id[:])
	for i := range uint64(filterProbes) {
		if word, bit := f.probe(hash, i); f.bits[word]&bit == 0 {
			return false
		}
	}
	return true
}

const (
	firstIDs     = 64 << 10 // for how many ids the first filter of the store's is made; each further one is for twice as many
	maxIDFilters = 10       // 67 million ids, 84 MB; with more of them every id is looked up
)

// storedIDs reports which ids no block in the store holds: filters that grow with the chain. They are made from the store's ids after
// each start, and kept in memory only. Before they are complete, and past their bounds, every id is looked up, so an id that a block
// holds is never taken for a new one. The caller holds Chain.writing.
type storedIDs struct {
	filters  []*idFilter
	room     int  // in the last of them
	complete bool // the ids that were stored before this start were added
	full     bool // an id was not added, as there are too many
}

func (s *storedIDs) add(id consensus.ID) {
	if s.room == 0 {
		if len(s.filters) >= maxIDFilters {
			s.full = true
			return
		}
		s.room = firstIDs << len(s.filters)
		s.filters = append(s.filters, newIDFilter(s.room))
	}
	s.room--
	s.filters[len(s.filters)-1].add(id)
}

func (s *storedIDs) mayHave(id consensus.ID) bool {
	if !s.complete || s.full {
		return true
	}
	for _, f := range s.filters {
		if f.mayHave(id) {
			return true
		}
	}
	return false
}

// addOnce is add for an id that may be there already.
func (s *storedIDs) addOnce(id consensus.ID) {
	for _, f := range s.filters {
		if f.mayHave(id) {
			return
		}
	}
	s.add(id)
}

// gatherIDs makes the filters for the ids that were stored before this start. Those that are stored meanwhile are added as they come.
func (c *Chain) gatherIDs(ctx context.Context) error {
	return c.gather(&c.stored, func(v view, before *storedIDs) error {
		return v.EachID(func(id [16]byte, _ store.Position, _ int) error {
			before.add(id)
			return ctx.Err()
		})
	})
}

// gatherAccounts does the same for the accounts that have something.
func (c *Chain) gatherAccounts(ctx context.Context) error {
	return c.gather(&c.funded, func(v view, before *storedIDs) error {
		return v.EachBalance(func(account [32]byte, _ int64) error {
			before.add(accountID(account))
			return ctx.Err()
		})
	})
}

// accountID is the part of an account that a filter is asked for.
func accountID(account consensus.Address) consensus.ID {
	return consensus.ID(account[:len(consensus.ID{})])
}

func (c *Chain) gather(into *storedIDs, all func(v view, before *storedIDs) error) error {
	c.writing.Lock()
	done := into.complete
	c.writing.Unlock()
	if done {
		return nil
	}
	v := c.view()
	defer v.Close()
	var before storedIDs
	if err := all(v, &before); err != nil {
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	into.filters = append(before.filters, into.filters...)
	into.full = into.full || before.full
	into.complete = true
	return nil
}
