// Package chain says what a block is and which chain wins.
//
// # Vocabulary
//
//   - canonical form: the bytes that CPython prints for json.dumps(block, sort_keys=True). A block is
//     these bytes; its hash is their SHA-256.
//   - index: a block's height, counted from 1 (the genesis block), as in the tutorial.
//   - tip: the last block of the active chain. Side branch: held blocks off the active chain.
//   - orphan: a block whose parent is not held. Orphans are not kept.
//   - pool: the pending transactions, in order of arrival.
//   - network: a set of rules and a genesis block, named by Rules.Network.
//
// # Flow
//
//	bytes ──Rules.ParseBlock──► *Block ──Chain.Add──► active chain, side branch, or an error
//	bytes ──Rules.ParseSegment──► *Segment ──Chain.AddSegment──►        (the same rules, many blocks)
//	bytes ──Rules.ParseTransaction──► Transaction ──Chain.Submit──► pool
//	this node's: a block ──Chain.AddMined──► disk ──► active chain;  a payment ──Chain.Pay──► disk ──► pool
//
// ParseBlock proves everything that can be known from the bytes alone; CheckLink, CheckTime and the
// chain's look-up of transaction ids prove the rest. There is no other way in.
//
// # Guarantees
//
// What is active, the tip and the pool change together in one batch of the store, whatever the depth of a reorg, or not at all:
// readers see all of it or nothing, and do not wait for it. Blocks never move. Add, AddSegment and Submit, for what peers send, do
// not wait for the disk; Run brings it there within a second. Pay and AddMined, for what this node makes, return when it is on disk,
// and nobody sees it before. Nothing is called while the chain's lock is held.
//
// Run also does what goes on behind: the index of addresses follows the active chain, and side branches past their bounds are trimmed.
//
// # Not here
//
// No network, no HTTP, no logging, no proof search.
package chain
