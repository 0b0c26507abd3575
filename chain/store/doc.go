// Package store keeps the chain's bytes in Pebble. It knows keys and batches, not rules.
//
// # Keys
//
// Every key starts with one byte that names its kind; integers in keys are big-endian, so that they sort.
//
//	a address:16 index:8    → index, position, …           a part of the address's history, from its first block on
//	b branch:4 index:8      → origin, canonical bytes      a block; branch 0 is the active chain
//	c address:16            → count, balance               the address's transactions, and what they come to; added up by the engine
//	h hash:32               → index [branch]               where the block with this hash is
//	i id:16                 → index, offset                the active chain's block with this transaction, and where in it
//	j id:16 branch:4 index:8 →                             the same on side branches, where one id may be on many
//	k number:4              → index, hashes                 a part of the filter over all transaction ids
//	f branch:4              → parent, last index, bytes    a side branch
//	p seq:8                 → origin, returned, canonical bytes   a pending transaction, in order of arrival
//	s number:4              → name                         a sending peer, so that an origin is a small number
//	m name                  → value                        schema, network, tip, a mined block on its way
//
// Integers in values are unsigned varints. A range of blocks is one sequential scan.
//
// # Guarantees
//
// A batch is applied whole or not at all. Apply does not wait for the disk; batches reach the disk in the order
// in which they were applied, so what survives a crash is always a prefix of them. Sync returns when all that
// was applied before the call is on disk; concurrent calls share one write.
//
// After a write or a sync has failed the store takes no more batches and says why; reads go on.
// Nothing is printed and the process is never ended, whatever the engine thinks of its disk.
package store
