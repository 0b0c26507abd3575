// Package consensus says what a block and a payment are: the rules that every node of a network must agree on.
//
// # Vocabulary
//
//   - canonical form: the bytes that CPython prints for json.dumps(block, sort_keys=True). A block is these bytes; its hash is their
//     SHA-256.
//   - index: a block's height, counted from 1 (the genesis block), as in the tutorial.
//   - network: a set of rules and a genesis block, named by Rules.Network.
//   - rule: one condition of validity, with a name. InvalidError names the one that is broken.
//
// # Flow
//
//	bytes ──Rules.ParseBlock──► *Block       ──Rules.CheckLink(parent), Rules.CheckTime(now)──► valid on that parent
//	bytes ──Rules.ParsePayment──► Payment
//	any spelling ──Rules.ReadBlock, Rules.ReadPayment──► the same, made canonical first
//
// ParseBlock proves in one pass all that a block's bytes alone can break. It says only yes or no, without allocating; which rule is
// broken is found by a second, slower reading (explain.go), which follows the rules as they are written.
//
// # Profiles
//
// Rules.Profile chooses one of two sets of checks; types and functions are the same for both. On a secure network a block that passed
// the above still has two things to pass:
//
//	*Block ──Rules.Signatures().CheckBlock──► its payments are signed       ──Block.ApplyTo(Accounts)──► and covered
//
// The first takes most of the time, so the caller does it in parallel, once for a payment that comes again in a block, and never for
// a block that it reads back from its own disk.
//
// # Guarantees
//
// Everything here is a function of values: the same bytes, parent and time give the same answer on every node. No store, clock, lock,
// log or context; a test holds the list of imports. Whether an id occurs twice on a branch is for the owner of the branches, chain.
package consensus
