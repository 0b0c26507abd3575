// Package p2p carries blocks and payments between nodes. It makes the libp2p host and wires the packages below it to a Node.
//
// # Vocabulary
//
//   - peer: another node, named by its peer id, the hash of its key.
//   - network: a set of rules and a genesis (chain.Rules.Network). Its id is part of every topic and protocol name, so
//     that nodes with other rules never judge each other.
//   - lab: the faults that an operator makes on purpose.
//
// # Packages
//
//	peers      who there is, who is dialled, connected and refused: one table, one loop for connections
//	gossip     blocks and payments as they happen: publish, judge, pass on
//	chainsync  what gossip lost: statuses, the longer chain, pools
//	stream     server and client of the request protocols: limits, rates, deadlines, codes
//	wire       what nodes say to each other, byte by byte
//	mdns       multicast DNS
//	reach      whether this node can be dialled from outside: asks peers, and tries for them
//	portmap    ports at the router
//	addrpolicy which addresses no node dials
//	hosttest, p2ptest   bare hosts and simulated networks for tests
//
// No one of peers, gossip and chainsync imports another. Each declares the few methods that it needs; Node joins them, and test/law_test.go
// holds it.
//
// # Flow
//
//	chain event of ours ──disk──► publish ──gossipsub──► the validator there ──► chain.Add ──► verdict ──► its mesh
//	orphan heard, or a longer status ──► sync from that peer ──► chain.AddBlocks ──► the new tip is published
//	peer connected, or new in the mesh ──► statuses are exchanged, the pool is pulled ──► new payments are published
//
//	   Node ──► host (TCP, Noise, yamux; limits) ◄── peers: dials, disconnects, refuses
//	                 │ streams                        ▲ scores      ▲ proofs of lies
//	        ┌────────┴────────┐                       │             │
//	     gossip ──wakes──► chainsync ─────────────────┴─────────────┘
//	        └────► chain ◄────┘
//
// A Lab in the Config lets the operator make faults on purpose: peers refuses those that it cuts off, gossip loses, delays or pauses
// messages. Without one nothing of it is there.
//
// # Guarantees
//
// Nothing that came from a peer reaches the chain but through chain.Rules and chain.Add. A block of our own is on disk
// before anybody hears of it. No claim of a peer allocates memory; every queue, message, stream and count is bounded, and a
// full one never blocks the chain. Only a provable fault counts against a peer; silence, slowness and an unknown parent never do.
// Run returns when every goroutine that it waits for has ended; those inside pubsub end right after.
//
// # Not here
//
// No HTTP (Config.AskURL is given from outside), no rules of validity, no storage but the file of remembered peers and
// the identity, no mining.
package p2p
