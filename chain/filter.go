package chain

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"kuai/chain/store"
)

const (
	// maxFilterBytes bounds the memory of the id filter, whatever the length of the chain: about 10 million ids. Past
	// that every id is looked up in the store.
	maxFilterBytes = 32 << 20
	// filterStep is how many blocks, or ids, are added between two records of the filter: what Open reads again at most.
	filterStep = 4096
	// firstLayerBytes is the size of the first layer; each following one is twice as large.
	firstLayerBytes = 256 << 10
	// idBits is how much of a layer one id has at least: of 1,000 new ids at most five are looked up in vain.
	idBits = 27
)

// idFilter knows every transaction id that was ever on the active chain, and a few more: an id that it does not know is on
// no block, which spares the look-up in the store for nearly all new ids. It is a Bloom filter that grows by layers. The
// store keeps its content as hashes of 4 bytes, so that it need not be made from the blocks at every start.
type idFilter struct {
	layers  [][]line
	room    int      // ids that still fit in the last layer
	bytes   int      // of all layers
	full    bool     // past the bound: it knows nothing any more
	pending []uint32 // hashes that are not in a record yet
	covered int64    // the records hold the ids of the active blocks up to this index
	records uint32
}

// hashID spreads an id, which a client may have chosen, over 32 bits.
func hashID(id ID) uint32 {
	hi, lo := bits.Mul64(binary.LittleEndian.Uint64(id[:8])^0x9e3779b97f4a7c15, binary.LittleEndian.Uint64(id[8:])^0xd1b54a32d192ed03)
	return uint32((hi ^ lo) * 0x9fb21c651e98df25 >> 32)
}

// line is what one hash has all its bits in, three in each word: to set them is to wait for one place in memory, as a start at a
// million ids does a million times.
type line [2]uint64

const lineBytes = 16

// place returns the line of a layer that is a hash's, and its bits in the two words.
func place(layer []line, h uint32) (l *line, low, high uint64) {
	p := (uint64(h) + 1) * 0x9e3779b97f4a7c15 >> 16
	low = 1<<(p&63) | 1<<(p>>6&63) | 1<<(p>>12&63)
	high = 1<<(p>>18&63) | 1<<(p>>24&63) | 1<<(p>>30&63)
	return &layer[uint64(h)*uint64(len(layer))>>32], low, high
}

// may says whether the id may have been on the active chain.
func (f *idFilter) may(id ID) bool {
	if f.full {
		return true
	}
	h := hashID(id)
	for _, layer := range f.layers {
		if l, low, high := place(layer, h); low&^l[0]|high&^l[1] == 0 {
			return true
		}
	}
	return false
}

// add adds an id of the active chain. To add one that does not get there does no harm.
func (f *idFilter) add(id ID) {
	if f.full {
		return
	}
	h := hashID(id)
	f.pending = append(f.pending, h)
	f.set(h)
}

func (f *idFilter) set(h uint32) {
	if f.room == 0 {
		f.grow()
	}
	if f.full {
		return
	}
	l, low, high := place(f.layers[len(f.layers)-1], h)
	l[0] |= low
	l[1] |= high
	f.room--
}

func (f *idFilter) grow() {
	size := firstLayerBytes << len(f.layers)
	if f.bytes+size > maxFilterBytes {
		*f = idFilter{full: true, records: f.records, covered: f.covered}
		return
	}
	f.layers = append(f.layers, make([]line, size/lineBytes))
	f.bytes += size
	f.room = size * 8 / idBits
}

// record puts what is new into the batch, where it is enough, or where blocks that the records cover were replaced.
func (f *idFilter) record(b *store.Batch, fork, tip int64) (commit func()) {
	if f.full {
		return f.uncover(b, fork)
	}
	if len(f.pending) < filterStep && tip-f.covered < filterStep && fork >= f.covered {
		return func() {}
	}
	hashes := make([]byte, 0, 4*len(f.pending))
	for _, h := range f.pending {
		hashes = binary.LittleEndian.AppendUint32(hashes, h)
	}
	b.SetFilter(f.records, tip, hashes)
	return func() {
		f.records++
		f.covered, f.pending = tip, f.pending[:0]
	}
}

// uncover says that the records cover no more than the blocks up to the fork, where those above it were replaced: a full filter does
// not know the ids of the new ones, so the next start has to read them.
func (f *idFilter) uncover(b *store.Batch, fork int64) (commit func()) {
	if fork >= f.covered {
		return func() {}
	}
	b.SetFilter(f.records, fork, nil)
	return func() {
		f.records++
		f.covered = fork
	}
}

// loadFilter reads the filter's records, and the blocks that came after the last of them, until it is full.
func (c *Chain) loadFilter() error {
	f := &c.filter
	f.covered = c.rules.Genesis.Index()
	err := c.store.EachFilter(func(n uint32, tip int64, hashes []byte) error {
		if n != f.records || len(hashes)%4 != 0 {
			return fmt.Errorf("%w: filter record %d of %d bytes up to block %d", ErrDamaged, n, len(hashes), tip)
		}
		for ; len(hashes) > 0 && !f.full; hashes = hashes[4:] {
			f.set(binary.LittleEndian.Uint32(hashes))
		}
		f.records, f.covered = n+1, tip
		return nil
	})
	if err == nil && f.covered > c.tip.Index {
		err = fmt.Errorf("%w: the filter's last record is of block %d, the tip is %d", ErrDamaged, f.covered, c.tip.Index)
	}
	if err != nil || f.full {
		return err
	}
	for rec, err := range c.store.Blocks(activeBranch, f.covered+1, c.tip.Index+1) {
		if err != nil {
			return err
		}
		b, err := c.parseHeld(rec)
		if err != nil {
			return err
		}
		for _, id := range b.IDs() {
			f.add(id)
		}
		if f.full {
			break
		}
	}
	return nil
}

// mined returns the index of the active block with the transaction.
func (c *Chain) mined(id ID) (index int64, ok bool, err error) {
	if !c.filter.may(id) {
		return 0, false, nil
	}
	index, _, ok, err = c.store.Mined(id)
	return index, ok, err
}
