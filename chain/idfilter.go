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

	// With 16 bits for each id one in 1,000 that a filter lacks is looked up in vain.
	filterBits   = 16
	filterProbes = 7
)

// idFilter says of an id that it lacks it, or that it may have it: a Bloom filter. A look into the store for an id takes 10 to 50 µs,
// as the engine's own filters do not stay in its cache.
type idFilter struct {
	lines []filterLine
}

// filterLine is a cache line. All bits of one id are in one line, so that a look costs a single memory access.
type filterLine [8]uint64

// idSeed is secret, as senders choose ids.
var idSeed = maphash.MakeSeed()

func hashID(id consensus.ID) uint64 { return maphash.Bytes(idSeed, id[:]) }

// newIDFilter returns a filter for so many ids.
func newIDFilter(ids int) *idFilter {
	const line = 8 * 64
	return &idFilter{lines: make([]filterLine, ids*filterBits/line+1)}
}

// filterForBlocks returns a filter for the ids in blocks of so many canonical bytes, within maxFilterBytes.
func filterForBlocks(bytes int) *idFilter {
	return newIDFilter(min(bytes/consensus.MinIDTransaction+1, maxFilterBytes*8/filterBits))
}

// line returns where the bits of an id with this hash are, and probes, of which each nine bits are the place of one.
func (f *idFilter) line(hash uint64) (line *filterLine, probes uint64) {
	const mixed = 0x9e3779b97f4a7c15 // 2^64 by the golden ratio: the upper half of the hash chooses the line
	return &f.lines[((hash>>32)*uint64(len(f.lines)))>>32], hash * mixed
}

func (f *idFilter) add(id consensus.ID) {
	line, probes := f.line(hashID(id))
	for range filterProbes {
		line[(probes>>6)%8] |= 1 << (probes % 64)
		probes >>= 9
	}
}

// mayHave reports whether id was added; of some ids also if it was not.
func (f *idFilter) mayHave(id consensus.ID) bool { return f.mayHaveHash(hashID(id)) }

func (f *idFilter) mayHaveHash(hash uint64) bool {
	line, probes := f.line(hash)
	for range filterProbes {
		if line[(probes>>6)%8]&(1<<(probes%64)) == 0 {
			return false
		}
		probes >>= 9
	}
	return true
}

const (
	firstIDs     = 64 << 10 // for how many ids the first filter of the store's is made; each further one is for twice as many
	maxIDFilters = 10       // 67 million ids, 134 MB; with more of them every id is looked up
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
	return s.has(id)
}

// has reports whether a filter may have id.
func (s *storedIDs) has(id consensus.ID) bool {
	hash := hashID(id)
	for _, f := range s.filters {
		if f.mayHaveHash(hash) {
			return true
		}
	}
	return false
}

// addOnce is add for an id that may be there already.
func (s *storedIDs) addOnce(id consensus.ID) {
	if !s.has(id) {
		s.add(id)
	}
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
