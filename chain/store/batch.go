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

// Bytes returns the size of the batch.
func (b *Batch) Bytes() int { return b.b.Len() }

// Set puts any key and value: what Dump gives, to repeat or to damage it.
func (b *Batch) Set(key, value []byte) { b.set(key, value) }

// set and remove cannot fail: a batch is memory, and a closed one is a fault of ours that Pebble reports by panic.
func (b *Batch) set(key, value []byte) { _ = b.b.Set(key, value, nil) }

func (b *Batch) remove(key []byte) { _ = b.b.Delete(key, nil) }

// SetBlock puts a block.
func (b *Batch) SetBlock(r Record) {
	var buffer [MaxFromBytes + 3*binary.MaxVarintLen64]byte
	head := binary.AppendUvarint(appendOrigin(buffer[:0], r.Origin), uint64(r.Total))
	key := blockKey(b.key[:0], r.Position)
	d := b.b.SetDeferred(len(key), len(head)+len(r.Raw))
	copy(d.Key, key)
	copy(d.Value[copy(d.Value, head):], r.Raw)
	_ = d.Finish()
}

// DeleteBlock removes the block at p.
func (b *Batch) DeleteBlock(p Position) { b.remove(blockKey(b.key[:0], p)) }

// SetPosition says where the block with this hash is.
func (b *Batch) SetPosition(hash [32]byte, p Position) {
	b.val = appendPosition(b.val[:0], p)
	b.set(hashKey(b.key[:0], hash), b.val)
}

// DeletePosition forgets the block with this hash.
func (b *Batch) DeletePosition(hash [32]byte) { b.remove(hashKey(b.key[:0], hash)) }

// SetID says that the block at p holds the transaction, at offset in its canonical bytes.
func (b *Batch) SetID(id [16]byte, p Position, offset int) {
	b.val = binary.AppendUvarint(b.val[:0], uint64(offset))
	b.set(idKey(b.key[:0], id, p), b.val)
}

// DeleteID takes that back.
func (b *Batch) DeleteID(id [16]byte, p Position) { b.remove(idKey(b.key[:0], id, p)) }

// SetParent names the block that the first of branch n extends.
func (b *Batch) SetParent(n uint32, parent Position) {
	b.val = appendPosition(b.val[:0], parent)
	b.set(numberKey(b.key[:0], kindParent, n), b.val)
}

// DeleteParent removes branch n, which has no blocks any more.
func (b *Batch) DeleteParent(n uint32) { b.remove(numberKey(b.key[:0], kindParent, n)) }

// SetActive says that from an index on the active chain is on a branch, up to the next such index.
func (b *Batch) SetActive(from int64, branch uint32) {
	b.val = binary.AppendUvarint(b.val[:0], uint64(branch))
	b.set(activeKey(b.key[:0], from), b.val)
}

// DeleteActive takes that back.
func (b *Batch) DeleteActive(from int64) { b.remove(activeKey(b.key[:0], from)) }

// SetSide says that the blocks of branch n from an index on are not on the active chain, and which block the first of them extends.
func (b *Batch) SetSide(n uint32, from int64, parent Position) {
	b.val = appendPosition(binary.AppendUvarint(b.val[:0], uint64(from)), parent)
	b.set(numberKey(b.key[:0], kindSide, n), b.val)
}

// DeleteSide says that branch n has no such blocks.
func (b *Batch) DeleteSide(n uint32) { b.remove(numberKey(b.key[:0], kindSide, n)) }

// SetPending puts a transaction into the pool.
func (b *Batch) SetPending(p Pending) {
	b.val = appendOrigin(b.val[:0], p.Origin)
	switch {
	case p.Canonical == nil:
		b.val = appendPosition(append(b.val, pendingInBlock), p.At.Position)
		b.val = binary.AppendUvarint(b.val, uint64(p.At.Offset))
	case p.Returned:
		b.val = append(append(b.val, pendingReturned), p.Canonical...)
	default:
		b.val = append(append(b.val, pendingArrived), p.Canonical...)
	}
	b.set(pendingKey(b.key[:0], p.Seq), b.val)
}

// How a pending transaction is kept.
const (
	pendingArrived  = iota
	pendingReturned // by a reorg
	pendingInBlock  // the same, and its bytes are read from a block
)

// DeletePending takes the transaction with this sequence number out of the pool.
func (b *Batch) DeletePending(seq uint64) { b.remove(pendingKey(b.key[:0], seq)) }

// SetMeta sets a named value.
func (b *Batch) SetMeta(name string, value []byte) { b.set(metaKey(b.key[:0], name), value) }

// DeleteMeta removes a named value.
func (b *Batch) DeleteMeta(name string) { b.remove(metaKey(b.key[:0], name)) }
