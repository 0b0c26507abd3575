// Package chain owns the state of a node: the active chain, its side branches and the pool of pending payments.
//
// # Vocabulary
//
//   - tip: the last block of the active chain. Side branch: held blocks off the active chain.
//   - orphan: a block whose parent is not held. Orphans are not kept.
//   - pool: the pending transactions, in order of arrival.
//
// What a block and a payment are, and what is valid, says package consensus.
//
// # Packages
//
//	chain ──► store       keys, batches and snapshots over the engine
//	  │
//	  ▼
//	consensus ──► canonical    what a block and a payment are; Python's JSON bytes. Pure: no store, clock, lock or log
//
// # Files
//
//	chain      the state, its locks and commit        open     what a start reads
//	add        entry points for blocks                extend   blocks on the tip
//	sides      side branches, and their trimming      reorg    another branch becomes active
//	mined      a block of this node                   idfilter which ids the store lacks
//	submit     entry points for payments              pool, pending   the pool
//	query      blocks, forks, snapshots               view     one state of the store and the active chain
//	addresses  what the chain says of an address      addressindex, ledger   the index for it, which follows the chain
//	events     what subscribers are told              run      what goes on behind
//	sync       writes to disk that waiters share
//	verify     all of the above against the blocks    invalid  blocks that broke a rule
//	accounts   balances and work, on secure networks  accounttable   the accounts that one batch changes
//	signatures checked on all cores, before a lock    audit    what Verify checks on secure networks only
//
// # Flow
//
//	consensus.Block   ──Chain.Add──► active chain, side branch, or an error
//	consensus.Blocks ──Chain.AddBlocks──►  (the same, many blocks)
//	a payment         ──Chain.Submit──► pool
//	this node's: a block ──Chain.AddMined──► disk ──► active chain;  a payment ──Chain.Pay──► disk ──► pool
//
// A block comes here parsed: its bytes alone break no rule. The chain asks for its link to the parent and its time, and looks up the
// ids of its payments on its branch. On a secure network it checks signatures before it takes the lock, and balances when the block
// becomes active. There is no other way in.
//
// # Guarantees
//
// What is active, the tip and the pool change together in one batch of the store, whatever the depth of a reorg, or not at all:
// readers see all of it or nothing, and do not wait for it. Blocks never move. Add, AddBlocks and Submit, for what peers send, do
// not wait for the disk; Run brings it there within a second. Pay and AddMined, for what this node makes, return when it is on disk,
// and nobody sees it before. While a lock is held, nothing but the store, the rules and the clock is called.
//
// Run also does what goes on behind: the index of addresses follows the active chain, and side branches past their bounds are trimmed.
//
// # Not here
//
// No network, no HTTP, no logging, no proof search.
package chain
