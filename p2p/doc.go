// Package p2p carries blocks and transactions between nodes.
//
// # Vocabulary
//
//   - peer: another node, named by its peer id, the hash of its key. A static peer is one that the operator named: it is
//     dialled for ever. A neighbour is one that multicast DNS found on the
//     local network, or another node of this user on this machine.
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
//	discovery: static peers, mDNS, nodes of this machine, remembered peers, peer exchange, DHT; rotation of one outbound slot
//	                 │ dials, disconnects
//	   Node ──► host (TCP, Noise, yamux; limits; gater) ◄── faults: who is refused, who is paused
//	                 │ streams (package stream)               ▲ scores      ▲ proofs of lies
//	        ┌────────┴────────┐                               │             │
//	     gossip            syncer ────────────────────────────┴─────────────┘
//	        └────► chain ◄────┘
//
// A Lab in the Config lets the operator make faults on purpose: faults refuses the peers that it cuts off, gossip loses, delays or pauses
// messages. Without one nothing of it is there.
//
// What nodes say to each other byte by byte is in package wire.
//
// # Connections
//
// The loop of discovery alone hears of connections, and step begins what is due: disconnecting, dials of static peers, dials for free
// outbound slots. It waits for nothing: each dial has a goroutine, whose end wakes the loop.
//
//   - A peer is up once it has said what it speaks, and down when no connection is left. The end of one connection says nothing, as a dial
//     opens several and closes all but one. A connection without identification is closed after 10 s, that one only.
//   - A dial that fails lengthens the wait for the next one, unless the failure is on this side: a limit, no network, the connection gater.
//     The wait grows to 1 s for a static peer, 30 s for one that was connected before and 10 min for one that was heard of. A status, a
//     connection from the peer, multicast DNS and new addresses of this machine end it.
//   - A dial that hangs takes a slot for a second only. Strangers that multicast named have dials of their own.
//   - Subnets are counted by the address that a peer was connected from; what it only says counts for all that it names.
//   - Bounded are the static peers (1,024), the book of others (256, of them 32 by hearsay while others were connected), their addresses (16),
//     and the faults (4,096).
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
