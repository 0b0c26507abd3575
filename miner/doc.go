// Package miner finds proofs and seals blocks.
//
// # Vocabulary
//
//   - proof: the smallest integer from 0 up for which the SHA-256 of str(last proof) + str(proof) + last hash
//     starts with the network's zeros.
//   - try: one such hash. At z hex zeros a proof takes 16^z tries in the mean.
//   - row: the 10,000 proofs that share all digits but the last four. Chunk: the part of a row that a core takes at a time.
//   - kernel: the inner loop over a chunk, one for each kind of processor.
//   - mode: when to mine without being asked: manual (never), instant, interval, continuous.
//
// # Flow
//
//	Mine ──► queue of 16 ──► turn ──► extend ──► Search ──► seal ──► Chain.AddMined
//	Run (mode) ─────────────► turn ──► extend      │
//	                                               └─ a new tip or the caller's context ends it
//
// # Guarantees
//
// One search runs at a time. Every caller of Mine gets a block of its own, on disk, that extends the chain as it was when
// the block was sealed; a search whose tip is replaced ends within a chunk (well under a millisecond) and starts anew.
// Search returns the smallest proof on any number of cores.
//
// # Not here
//
// What makes a block valid is chain's; HTTP and metrics are rpc's. The miner asks for no permission: limits on who may mine
// belong to the caller.
package miner
