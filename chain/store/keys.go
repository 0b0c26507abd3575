package store

import (
	"encoding/binary"
	"fmt"
)

// Kinds of keys, the first byte of each. doc.go has the table.
const (
	kindRun     = 'a'
	kindBlock   = 'b'
	kindAccount = 'c'
	kindBranch  = 'f'
	kindHash    = 'h'
	kindID      = 'i'
	kindSideID  = 'j'
	kindFilter  = 'k'
	kindMeta    = 'm'
	kindPending = 'p'
	kindSender  = 's'
)

// Place is where a block is: its branch (0 is the active chain) and its index.
type Place struct {
	Branch uint32
	Index  int64
}

// Origin is who sent something and when it came.
type Origin struct {
	From     uint32 // a sender's number, 0 for this node
	Received int64  // Unix milliseconds
}

// Branch is the record of a side branch: it hangs on Parent and holds the blocks (Parent.Index, Last].
type Branch struct {
	Parent Place
	Last   int64
	Bytes  int64 // canonical bytes of its blocks
}

// Pending is a transaction of the pool. Its sequence number is its place in the order.
type Pending struct {
	Seq       uint64
	Origin    Origin
	Returned  bool // a reorg dropped its block
	Canonical []byte
}

// Record is a block as it is kept.
type Record struct {
	Place  Place
	Origin Origin
	Raw    []byte // canonical bytes
}

func blockKey(dst []byte, p Place) []byte {
	dst = append(dst, kindBlock)
	dst = binary.BigEndian.AppendUint32(dst, p.Branch)
	return binary.BigEndian.AppendUint64(dst, uint64(p.Index))
}

func sideIDKey(dst []byte, id [16]byte, p Place) []byte {
	dst = append(append(dst, kindSideID), id[:]...)
	dst = binary.BigEndian.AppendUint32(dst, p.Branch)
	return binary.BigEndian.AppendUint64(dst, uint64(p.Index))
}

func hashKey(dst []byte, h [32]byte) []byte { return append(append(dst, kindHash), h[:]...) }

func idKey(dst []byte, id [16]byte) []byte { return append(append(dst, kindID), id[:]...) }

func runKey(dst []byte, a Address, first int64) []byte {
	dst = append(append(dst, kindRun), a[:]...)
	return binary.BigEndian.AppendUint64(dst, uint64(first))
}

func accountKey(dst []byte, a Address) []byte { return append(append(dst, kindAccount), a[:]...) }

func metaKey(dst []byte, name string) []byte { return append(append(dst, kindMeta), name...) }

func pendingKey(dst []byte, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, kindPending), seq)
}

func numberKey(dst []byte, kind byte, n uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, kind), n)
}

func appendOrigin(dst []byte, o Origin) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(dst, uint64(o.From)), uint64(o.Received))
}

func appendPlace(dst []byte, p Place) []byte {
	dst = binary.AppendUvarint(dst, uint64(p.Index))
	if p.Branch == 0 {
		return dst
	}
	return binary.AppendUvarint(dst, uint64(p.Branch))
}

// reader takes varints off a value; the first failure sticks.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) uint() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.bad = true
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *reader) origin() Origin {
	return Origin{From: uint32(r.uint()), Received: int64(r.uint())}
}

func (r *reader) err(what string, key []byte) error {
	if !r.bad {
		return nil
	}
	return fmt.Errorf("%w: %s at key %x is malformed", ErrDamaged, what, key)
}

func parseRecord(key, value []byte) (Record, error) {
	if len(key) != 13 {
		return Record{}, fmt.Errorf("%w: block key %x has %d bytes, not 13", ErrDamaged, key, len(key))
	}
	r := reader{rest: value}
	rec := Record{
		Place:  Place{binary.BigEndian.Uint32(key[1:]), int64(binary.BigEndian.Uint64(key[5:]))},
		Origin: r.origin(),
	}
	rec.Raw = r.rest
	return rec, r.err("block", key)
}

func parseMined(key, value []byte) (index int64, offset int, err error) {
	r := reader{rest: value, bad: len(key) != 17}
	index, offset = int64(r.uint()), int(r.uint())
	return index, offset, r.err("place of a transaction", key)
}

func parsePlace(key, value []byte) (Place, error) {
	r := reader{rest: value}
	r.bad = len(key) != 33
	p := Place{Index: int64(r.uint())}
	if len(r.rest) > 0 {
		p.Branch = uint32(r.uint())
	}
	return p, r.err("place of a block", key)
}
