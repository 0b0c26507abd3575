// Package gossip spreads blocks and payments over gossipsub, and judges those of others.
//
// # Vocabulary
//
//   - verdict: what gossip does with a message: accept (relay it), ignore, or reject (and lower the sender's score).
//   - announcement: a message in place of a block that is too large to be flooded; the block itself is pulled.
//   - mesh: the peers with which whole messages are exchanged; the others only get message ids.
//   - score: pubsub's rating of a peer; its messages are dropped below a limit.
//
// # Flow
//
//	event of this chain ──► unpublished? ──► publish, or announce a large block ──► the mesh
//	message of a peer   ──► rates, lab ──► validator ──► Chain.Add, Chain.Submit ──► verdict ──► the mesh
//	announcement        ──► queue of pulls ──► the block by hash, from its announcers only ──► Chain.Add ──► announced in turn
//	new in the mesh     ──► its status and its pool are asked for
//
// Gossip is fast, but in a small network it never repairs a lost message. The syncer does; gossip wakes it for orphans.
//
// # Guarantees
//
// Validators run in one worker, in order, and wait for neither disk nor network. Every queue is bounded, and a
// full one blocks nothing. A message is rejected only if no honest peer can have accepted it. At most
// maxSiblings children of one parent are relayed, each proof once. A peer that announces blocks that it does
// not hold is punished. Run returns when all that it started has ended; the goroutines of pubsub end right
// after.
//
// # Not here
//
// Rules of validity (package consensus), the encoding of messages (package wire), connections. Gossip calls six
// methods each of the table of peers and of the syncer; metrics and the lab belong to the node.
package gossip
