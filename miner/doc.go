// Package miner decides when to search for a proof, and seals blocks with what package search finds.
//
// # Vocabulary
//
//   - proof: the smallest integer from 0 up that solves the puzzle of a draft (see package search). On a classic network it covers the
//     parent alone, so the block holds what is pending when it is sealed. On a secure network it is a nonce that covers the whole draft: the
//     draft is made first, and made anew every second, or sooner if other payments are pending.
//   - mode: when to mine without being asked: manual (never), instant, interval, continuous.
//
// # Flow
//
//	Mine ──► queue of 16 ──► turn ──► extend ──► search.Proof ──► seal ──► Chain.AddMined
//	Run (mode) ─────────────► turn ──► extend         │
//	                                                  └─ a new tip or the caller's context ends it
//
// Several miners in continuous mode race. On a classic network each searches on its own tip from 0, so that equal machines find the same
// proof at about the same time, and all but one of their blocks are stale; on a secure one each searches its own draft. interval waits
// anew after every tip, of any miner, and by a tenth at random, so that mostly one miner searches at a time. Status counts the searches
// that were given up.
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
