package consensus

import (
	"hash/maphash"
	"math/bits"
	"sync"
)

// fewIDs is how many ids are compared with one another; beyond them a hash table is faster.
const fewIDs = 8

// idSet finds an id that occurs twice in a block. It holds offsets into the block's bytes, where the ids stand in hex.
type idSet struct {
	raw  []byte
	most int // ids that a block can have
	n    int
	few  [fewIDs]uint32
	many *idTable // borrowed from idTables once few is full
}

// add notes the id at offset, and returns false if the set has it already.
func (s *idSet) add(offset int) bool {
	if s.n == fewIDs {
		s.borrow()
	}
	s.n++
	if s.many != nil {
		return s.many.add(s.raw, uint32(offset))
	}
	for _, other := range s.few[:s.n-1] {
		if sameID(s.raw, other, uint32(offset)) {
			return false
		}
	}
	s.few[s.n-1] = uint32(offset)
	return true
}

func (s *idSet) borrow() {
	s.many = idTables.Get().(*idTable)
	s.many.reset(min(s.most, len(s.raw)/MinIDTransaction+1))
	for _, offset := range s.few {
		s.many.add(s.raw, offset)
	}
}

// release gives the table back.
func (s *idSet) release() {
	if s.many != nil {
		idTables.Put(s.many)
	}
}

// MinIDTransaction is the length of the shortest transaction with an id.
const MinIDTransaction = len(`{"amount": 1, "id": "00000000000000000000000000000000", "recipient": "a", "sender": "b"}`)

func sameID(raw []byte, a, b uint32) bool {
	const digits = 2 * uint32(len(ID{}))
	return string(raw[a:a+digits]) == string(raw[b:b+digits])
}

var idTables = sync.Pool{New: func() any { return &idTable{seed: maphash.MakeSeed()} }}

// idTable is an open hash table, at most half full. Senders choose ids, so its seed is secret.
type idTable struct {
	seed  maphash.Seed
	slots []uint64 // 32 bits of the hash, 32 of the offset; 0 is empty, as no id stands at offset 0
	shift int      // 64 less the bits of a slot's number
}

// reset empties the table and makes room for n ids.
func (t *idTable) reset(n int) {
	width := bits.Len(uint(2*n - 1))
	t.shift = 64 - width
	if cap(t.slots) < 1<<width {
		t.slots = make([]uint64, 1<<width)
		return
	}
	t.slots = t.slots[:1<<width]
	clear(t.slots)
}

func (t *idTable) add(raw []byte, offset uint32) bool {
	h := maphash.Bytes(t.seed, raw[offset:offset+2*uint32(len(ID{}))])
	tag := h << 32
	for i := int(h >> t.shift); ; i = (i + 1) & (len(t.slots) - 1) {
		slot := t.slots[i]
		if slot == 0 {
			t.slots[i] = tag | uint64(offset)
			return true
		}
		if slot>>32 == tag>>32 && sameID(raw, uint32(slot), offset) {
			return false
		}
	}
}
