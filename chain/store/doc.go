// Package store keeps the chain's bytes in Pebble. It knows keys and batches, not rules.
//
// # Keys
//
// Every key starts with one byte that names its kind; integers in keys are big-endian, so that they sort.
//
//	a address:16 index:8       → index, position, …               a part of the address's history, from its first block on
//	b branch:4 index:8         → origin, total, canonical bytes   a block, and the canonical bytes of the chain up to it
//	c address:16               → count, balance                   the address's transactions and their sum; added up by the engine
//	e branch:4                 → index, branch, index             from this index on, the branch is not on the active chain; its parent there
//	f branch:4                 → branch, index                    the block that the branch's first block extends
//	g index:8                  → branch                           from this index on, the active chain is on this branch
//	h hash:32                  → branch, index                    where the block with this hash is
//	i id:16 branch:4 index:8   → offset                           a block with this transaction, and where in it
//	m name                     → value                            schema, network, tip, a mined block on its way, position of the addresses
//	p seq:8                    → origin, 0 or 1, canonical bytes   a pending transaction, in order of arrival; 1: a reorg returned it
//	p seq:8                    → origin, 2, branch, index, offset  the same, returned and as it is in a block that is held
//	s account:32               → balance                          what an account has at the tip, if anything; secure networks only
//	w branch:4 index:8         → big-endian number                the work of the chain up to a block; secure networks only
//
// Integers in values are unsigned varints. A block never moves: what changes is which branch is active. A range of blocks is one
// sequential scan.
//
// # Guarantees
//
// A batch is applied whole or not at all. Apply does not wait for the disk; batches reach the disk in the order
// in which they were applied, so what survives a crash is always a prefix of them. Sync returns when all that
// was applied before the call is on disk; concurrent calls share one write.
//
// What was on disk and is not there any more is ErrDamaged, also in a log that a crash cut: the file SYNCED says how far each log is
// on disk. Tables have checksums of the engine, which looks at them when they are read.
//
// After a write or a sync has failed the store takes no more batches and says why; reads go on.
// Nothing is printed and the process is never ended, whatever the engine thinks of its disk.
package store
