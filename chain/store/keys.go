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
	kindSide    = 'e'
	kindParent  = 'f'
	kindActive  = 'g'
	kindHash    = 'h'
	kindID      = 'i'
	kindMeta    = 'm'
	kindPending = 'p'
	kindBalance = 's'
	kindWork    = 'w'
)

// idPrefix is the length of the part of an id's key that all its positions share.
const idPrefix = 1 + 16

// Position is where a block is stored, from its arrival on: its branch, and its index. The blocks of a branch are each the
// parent of the next.
type Position struct {
	Branch uint32
	Index  int64
}

// Range is a part of the active chain: the blocks [From, To) of a branch.
type Range struct {
	Branch   uint32
	From, To int64
}

// Side is a branch with blocks that are not on the active chain.
type Side struct {
	Branch uint32
	From   int64    // index of the first of them
	Parent Position // what that one extends
	Base   int64    // canonical bytes of the chain that ends with Parent
	Last   Record   // the last of them
}

// MaxFromBytes is how long the name of a peer may be: longer than any peer id and URL of a host and a port.
const MaxFromBytes = 300

// Origin is who sent something and when it came.
type Origin struct {
	From     []byte // the name of the peer that sent it, none for this node; at most MaxFromBytes
	Received int64  // Unix milliseconds
}

// Pending is a transaction of the pool. Its sequence number is its position in the order.
type Pending struct {
	Seq       uint64
	Origin    Origin
	Returned  bool   // a reorg dropped its block
	Canonical []byte // nil if it is read from a block
	At        At     // where it is then
}

// Record is a block as it is kept.
type Record struct {
	Position Position
	Origin   Origin
	Total    int64  // canonical bytes of the chain that ends with it
	Raw      []byte // canonical bytes
}

func blockKey(dst []byte, p Position) []byte {
	dst = append(dst, kindBlock)
	dst = binary.BigEndian.AppendUint32(dst, p.Branch)
	return binary.BigEndian.AppendUint64(dst, uint64(p.Index))
}

func hashKey(dst []byte, h [32]byte) []byte { return append(append(dst, kindHash), h[:]...) }

func idKey(dst []byte, id [16]byte, p Position) []byte {
	dst = append(append(dst, kindID), id[:]...)
	dst = binary.BigEndian.AppendUint32(dst, p.Branch)
	return binary.BigEndian.AppendUint64(dst, uint64(p.Index))
}

func activeKey(dst []byte, from int64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, kindActive), uint64(from))
}

func runKey(dst []byte, a Address, first int64) []byte {
	dst = append(append(dst, kindRun), a[:]...)
	return binary.BigEndian.AppendUint64(dst, uint64(first))
}

func accountKey(dst []byte, a Address) []byte { return append(append(dst, kindAccount), a[:]...) }

func balanceKey(dst []byte, account [32]byte) []byte {
	return append(append(dst, kindBalance), account[:]...)
}

func workKey(dst []byte, p Position) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, kindWork), p.Branch)
	return binary.BigEndian.AppendUint64(dst, uint64(p.Index))
}

func metaKey(dst []byte, name string) []byte { return append(append(dst, kindMeta), name...) }

func pendingKey(dst []byte, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, kindPending), seq)
}

func numberKey(dst []byte, kind byte, n uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, kind), n)
}

func appendOrigin(dst []byte, o Origin) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(o.From)))
	dst = append(dst, o.From...)
	return binary.AppendUvarint(dst, uint64(o.Received))
}

func appendPosition(dst []byte, p Position) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(dst, uint64(p.Branch)), uint64(p.Index))
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

// bytes reads a length and as many bytes, which are a part of the text.
func (r *reader) bytes() []byte {
	n := r.uint()
	if n > MaxFromBytes || n > uint64(len(r.rest)) {
		r.bad = true
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) origin() Origin {
	return Origin{From: r.bytes(), Received: int64(r.uint())}
}

func (r *reader) position() Position {
	return Position{uint32(r.uint()), int64(r.uint())}
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
		Position: Position{binary.BigEndian.Uint32(key[1:]), int64(binary.BigEndian.Uint64(key[5:]))},
		Origin:   r.origin(), Total: int64(r.uint()),
	}
	rec.Raw = r.rest
	return rec, r.err("block", key)
}

func parsePosition(key, value []byte) (Position, error) {
	r := reader{rest: value}
	p := r.position()
	return p, r.err("position", key)
}
