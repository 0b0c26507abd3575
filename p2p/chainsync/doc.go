// Package chainsync keeps the chain and the pool of this node level with those of its peers.
//
// # Vocabulary
//
//   - status: what a peer says of its chain. It is a claim that only blocks prove.
//   - lead: the peer whose chain is downloaded. Helpers are asked for parts of the same chain.
//   - span: a range of indexes of one request.
//   - border: where the spans of two peers meet.
//
// # Flow
//
//	status of a peer: it is longer ──► download ──► spans ──► batches, checked in parallel ──► Chain.AddBlocks, in order
//	connected, or every 1 to 2 s   ──► statuses are exchanged
//	connected, or every 10 to 20 s ──► the pool of a peer is pulled: ids first, then what is missing
//	a peer asks                    ──► answers to status, sync, blocks and pool
//
// These exchanges recover what gossip loses: they make nodes agree eventually, gossip makes them agree fast.
//
// # Guarantees
//
// One sync runs at a time, and each of its blocks is checked like any other. No claim of a peer allocates
// memory: a download holds at most maxAhead spans. A peer that does not deliver is replaced by another and
// paused; only a proof that a peer breaks the protocol leads to Punish. A claim that a sync has disproved
// begins no other sync. Answers are read from a snapshot, so a slow reader delays nobody. Run returns when all
// that it started has ended.
//
// # Not here
//
// The encoding of messages (package wire), limits of streams (package stream), and connections: these belong to
// the table of peers, of which the syncer calls seven methods.
package chainsync
