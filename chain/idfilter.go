package chain

import (
	"hash/maphash"

	"kuai/chain/consensus"
)

const (
	// maxFilterBytes bounds an idFilter. With more ids than it is made for it says of more of them that it may have them.
	maxFilterBytes = 4 << 20

	filterBits   = 10 // of a filter for each id: one in a hundred that it lacks is looked up in vain
	filterProbes = 7
)

// idFilter says of an id that it lacks it, or that it may have it: a Bloom filter. A reorg asks it which payments of the branch that
// leaves are on the one that joins, as a look into the store for each takes some 50 µs. Senders choose ids, so its seed is secret.
type idFilter struct {
	seed maphash.Seed
	bits []uint64
}

// newIDFilter returns a filter for the ids in blocks of so many canonical bytes.
func newIDFilter(bytes int) *idFilter {
	ids := bytes/consensus.MinIDTransaction + 1
	words := min(ids*filterBits/64+1, maxFilterBytes/8)
	return &idFilter{seed: maphash.MakeSeed(), bits: make([]uint64, words)}
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
