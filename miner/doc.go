// Package miner decides when to search for a proof, and seals blocks with what package search finds.
//
// # Vocabulary
//
//   - proof: the smallest integer from 0 up for which the SHA-256 of str(last proof) + str(proof) + last hash
//     starts with the network's zeros.
//   - try: one such hash. At z hex zeros a proof takes 16^z tries in the mean.
//   - mode: when to mine without being asked: manual (never), instant, interval, continuous.
//
// # Flow
//
//	Mine ──► queue of 16 ──► turn ──► extend ──► search.Proof ──► seal ──► Chain.AddMined
//	Run (mode) ─────────────► turn ──► extend         │
//	                                                  └─ a new tip or the caller's context ends it
//
// Several miners in continuous mode race: each searches on its own tip from 0, so that equal machines find the same proof at about the
// same time, and all but one of their blocks are stale. interval waits anew after every tip, of any miner, and by a tenth at
// random, so that mostly one miner searches at a time. Status counts the searches that were given up.
//
// # Guarantees
//
// One search runs at a time. Every caller of Mine gets a block of its own, on disk, that extends the chain as it was when
// the block was sealed; a search whose tip is replaced ends within a chunk, some 50 µs, and starts anew.
//
// # Not here
//
// What makes a block valid is chain's; HTTP and metrics are rpc's. The miner asks for no permission: limits on who may mine
// belong to the caller.
package miner
