// Package search finds proofs of work.
//
// # Vocabulary
//
//   - puzzle: the texts before and after the proof, and the target that the hash must meet; the rules give it. On a classic network the texts
//     are the last proof and the hash of the last block. On a secure one the proof is a nonce, and the text before it is longer than a block
//     of SHA-256.
//   - try: one SHA-256 of the text before, str(proof) and the text after. At z hex zeros a proof takes 16^z tries in the mean.
//   - run: the 10,000 proofs that share all digits but the low four. Job: a run with everything computed that its proofs share.
//   - chunk: the part of a run that a core takes at a time.
//   - kernel: the inner loop over a chunk, one for each kind of processor. docs/decisions/005-proof-kernel.md explains them;
//     _gen writes those in assembly. A race among those that this processor has decides which one searches use.
//
// # Flow
//
//	Proof ──► a goroutine for each core ──► next chunk ──► scanner (runs) ──► kernel
//	               ▲                                          │
//	               └── look, pace: a new tip, the share ◄─────┘
//
// # Guarantees
//
// Proof returns the smallest proof on any number of cores: chunks are handed out in ascending order, and a chunk that was
// taken is finished. A search whose context ends returns within a chunk, some 50 µs. Whatever a kernel reports is checked
// with crypto/sha256 before it is returned.
//
// # Not here
//
// When to search, and what to do with a proof, is the miner's.
package search
