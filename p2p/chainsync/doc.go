// Package chainsync keeps the chain and the pool of this node level with those of its peers.
//
// # Vocabulary
//
//   - status: what a peer says of its chain. It is a claim: only blocks prove it.
//   - lead: the peer whose chain a download follows. Helpers are asked for parts of the same chain.
//   - span: a range of indexes that one peer was asked for at once.
//   - border: where the spans of two peers meet.
//
// # Flow
//
//	status of a peer: it is longer ──► download ──► spans ──► batches, checked in parallel ──► Chain.AddBlocks, in order
//	connected, or every 1 to 2 s   ──► statuses are exchanged
//	connected, or every 10 to 20 s ──► the pool of a peer is pulled: ids first, then what is missing
//	a peer asks                    ──► answers to status, sync, blocks and pool
//
// What gossip loses is found again by these exchanges: they make nodes agree in the end, gossip makes them agree soon.
//
// # Guarantees
//
// One sync runs at a time, and each block that it brings is checked like any other. No claim of a peer allocates memory: a download
// holds at most maxAhead spans. A peer that does not deliver is left for another and paused; only what proves that a peer breaks the
// protocol is reported to Punish. A claim that a sync did not bear out begins no other sync. Answers are read from a snapshot, so a
// slow reader delays nobody. Run returns when all that it started has ended.
//
// # Not here
//
// No messages byte by byte (package wire), no limits of streams (package stream), and no connections: the table of peers makes them, and
// is told by seven methods what peers did.
package chainsync
