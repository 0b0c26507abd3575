package store

import (
	"encoding/binary"

	"github.com/cockroachdb/pebble/v2"
)

// Batch is a set of changes that is applied whole or not at all. Later changes win over earlier ones.
type Batch struct {
	b   *pebble.Batch
	key [64]byte
	val []byte
}

// NewBatch returns an empty batch. Close it in any case.
func (s *Store) NewBatch() *Batch { return &Batch{b: s.db.NewBatch()} }

// Close releases the batch.
func (b *Batch) Close() { _ = b.b.Close() }

// Empty says whether nothing was put in.
func (b *Batch) Empty() bool { return b.b.Empty() }

// Bytes returns the size of the batch.
func (b *Batch) Bytes() int { return b.b.Len() }

// set and remove cannot fail: a batch is memory, and a closed one is a fault of ours that Pebble reports by panic.
func (b *Batch) set(key, value []byte) { _ = b.b.Set(key, value, nil) }
func (b *Batch) remove(key []byte)     { _ = b.b.Delete(key, nil) }

// SetBlock puts a block at p.
func (b *Batch) SetBlock(p Place, o Origin, raw []byte) {
	var origin [2 * binary.MaxVarintLen64]byte
	head := appendOrigin(origin[:0], o)
	key := blockKey(b.key[:0], p)
	d := b.b.SetDeferred(len(key), len(head)+len(raw))
	copy(d.Key, key)
	copy(d.Value[copy(d.Value, head):], raw)
	_ = d.Finish()
}

// DeleteBlock removes the block at p.
func (b *Batch) DeleteBlock(p Place) { b.remove(blockKey(b.key[:0], p)) }

// SetPlace says where the block with this hash is.
func (b *Batch) SetPlace(hash [32]byte, p Place) {
	b.val = appendPlace(b.val[:0], p)
	b.set(hashKey(b.key[:0], hash), b.val)
}

// DeletePlace forgets the block with this hash.
func (b *Batch) DeletePlace(hash [32]byte) { b.remove(hashKey(b.key[:0], hash)) }

// SetMined says that the active chain's block at index holds the transaction, at offset in its canonical bytes.
func (b *Batch) SetMined(id [16]byte, index int64, offset int) {
	b.val = binary.AppendUvarint(binary.AppendUvarint(b.val[:0], uint64(index)), uint64(offset))
	b.set(idKey(b.key[:0], id), b.val)
}

// DeleteMined says that the active chain does not hold the transaction.
func (b *Batch) DeleteMined(id [16]byte) { b.remove(idKey(b.key[:0], id)) }

// SetSideID says that the side block at p holds the transaction.
func (b *Batch) SetSideID(id [16]byte, p Place) { b.set(sideIDKey(b.key[:0], id, p), nil) }

// DeleteSideID takes that back.
func (b *Batch) DeleteSideID(id [16]byte, p Place) { b.remove(sideIDKey(b.key[:0], id, p)) }

// SetBranch writes the record of side branch n.
func (b *Batch) SetBranch(n uint32, r Branch) {
	b.val = b.val[:0]
	for _, v := range [...]uint64{uint64(r.Parent.Branch), uint64(r.Parent.Index), uint64(r.Last), uint64(r.Bytes)} {
		b.val = binary.AppendUvarint(b.val, v)
	}
	b.set(numberKey(b.key[:0], kindBranch, n), b.val)
}

// DeleteBranch removes the record of side branch n.
func (b *Batch) DeleteBranch(n uint32) { b.remove(numberKey(b.key[:0], kindBranch, n)) }

// SetFilter writes record n of the id filter, which covers the active blocks up to tip.
func (b *Batch) SetFilter(n uint32, tip int64, hashes []byte) {
	b.val = append(binary.AppendUvarint(b.val[:0], uint64(tip)), hashes...)
	b.set(numberKey(b.key[:0], kindFilter, n), b.val)
}

// SetPending puts a transaction into the pool.
func (b *Batch) SetPending(p Pending) {
	b.val = appendOrigin(b.val[:0], p.Origin)
	b.val = append(b.val, boolByte(p.Returned))
	b.val = append(b.val, p.Canonical...)
	b.set(pendingKey(b.key[:0], p.Seq), b.val)
}

// DeletePending takes the transaction with this sequence number out of the pool.
func (b *Batch) DeletePending(seq uint64) { b.remove(pendingKey(b.key[:0], seq)) }

// SetSender names sender n.
func (b *Batch) SetSender(n uint32, name string) {
	b.set(numberKey(b.key[:0], kindSender, n), []byte(name))
}

// SetMeta sets a named value.
func (b *Batch) SetMeta(name string, value []byte) { b.set(metaKey(b.key[:0], name), value) }

// DeleteMeta removes a named value.
func (b *Batch) DeleteMeta(name string) { b.remove(metaKey(b.key[:0], name)) }

func boolByte(v bool) byte {
	if v {
		return 1
	}
	return 0
}
