// Package p2p carries blocks and transactions between nodes.
//
// # Vocabulary
//
//   - peer: another node, named by its peer id, the hash of its key. Package peers finds and remembers them.
//   - network: a set of rules and a genesis (chain.Rules.Network). Its id is part of every topic and protocol name, so
//     that nodes with other rules never judge each other.
//   - verdict: what gossip does with a message: accept (pass it on), ignore, reject (and think less of the sender).
//   - announcement: what gossip carries for a block that is too large to be flooded; the block itself is pulled.
//   - status: what a peer says of its chain. It is a claim: only blocks prove it.
//
// # Flow
//
//	chain event of ours ──disk──► publish ──gossipsub──► the validator there ──► chain.Add ──► verdict ──► its mesh
//	orphan heard, or a longer status ──► sync from that peer ──► chain.AddBlocks ──► the new tip is published
//	peer connected, or new in the mesh ──► statuses are exchanged, the pool is pulled ──► new payments are published
//
// Gossip is fast and forgets: what it lost it never repairs in a small network. The stream protocols (status, sync, blocks,
// pool) are what makes nodes agree in the end; gossip only makes them agree soon.
//
//	Node ──► host (TCP, Noise, yamux; limits) ◄── package peers: who is dialled, who is refused
//	              │ streams (package stream)               ▲ scores      ▲ proofs of lies
//	     ┌────────┴────────┐                               │             │
//	  gossip            syncer ────────────────────────────┴─────────────┘
//	     └────► chain ◄────┘
//
// A Lab in the Config lets the operator make faults on purpose: package peers refuses those that it cuts off, gossip loses, delays or pauses
// messages. Without one nothing of it is there.
//
// What nodes say to each other byte by byte is in package wire.
//
// # Guarantees
//
// Nothing that came from a peer reaches the chain but through chain.Rules and chain.Add. A block of our own is on disk
// before anybody hears of it. No claim of a peer allocates memory; every queue, message, stream and count is bounded, and a
// full one never blocks the chain. A validator waits for no disk and no network. Only a provable fault counts against a
// peer; silence, slowness and an unknown parent never do. Run returns when every goroutine that it waits for is gone; those
// inside pubsub end right after.
//
// # Not here
//
// No HTTP (Config.ResolveURL is given from outside), no rules of validity, no storage but the file of remembered peers and
// the identity, no mining.
package p2p
