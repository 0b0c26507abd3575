// Package gossip spreads blocks and payments over gossipsub, and judges those of others.
//
// # Vocabulary
//
//   - verdict: what gossip does with a message: accept (pass it on), ignore, reject (and think less of the sender).
//   - announcement: what gossip carries for a block that is too large to be flooded; the block itself is pulled.
//   - mesh: the peers with which whole messages are exchanged; the others are told what there is.
//   - score: what pubsub thinks of a peer; below a limit its gossip is not heard.
//
// # Flow
//
//	event of this chain ──► news? ──► publish, or announce a large block ──► the mesh
//	message of a peer   ──► rates, lab ──► validator ──► Chain.Add, Chain.Submit ──► verdict ──► the mesh
//	announcement        ──► queue of pulls ──► the block by hash, from its announcers only ──► Chain.Add ──► announced in turn
//	new in the mesh     ──► its status and its pool are asked for
//
// Gossip is fast and forgets: what it lost it never repairs in a small network. The syncer repairs it; gossip wakes it up for orphans.
//
// # Guarantees
//
// Validators run in one worker, in order, and wait for no disk and no network. Every queue is bounded, and a full one delays nobody. A
// message is rejected only if no honest peer can have accepted it. Of the children of one parent a few are passed on, each proof once.
// A peer that announces what it does not hold pays for it. Run returns when all that it started has ended; what is inside pubsub ends
// right after.
//
// # Not here
//
// No rules of validity (package consensus), no messages byte by byte (package wire), no connections. The table of peers and the syncer are
// told and asked by six methods each; metrics and the lab are the node's.
package gossip
