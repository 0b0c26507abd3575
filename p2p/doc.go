// Package p2p carries blocks and payments between nodes. It makes the libp2p host and wires the packages below
// it to a Node.
//
// # Vocabulary
//
//   - peer: another node, named by its peer id, the hash of its key.
//   - network: a set of rules and a genesis (chain.Rules.Network). Its id is part of every topic and protocol name, so
//     that nodes with other rules never judge each other.
//   - lab: fault injection, controlled by the operator.
//
// # Packages
//
//	peers      which peers are known, dialled, connected and refused: one table, one loop for connections
//	gossip     blocks and payments as they happen: publish, validate, relay
//	chainsync  recovers what gossip lost: statuses, the longer chain, pools
//	stream     server and client of the request protocols: limits, rates, deadlines, codes
//	wire       encoding of messages
//	mdns       multicast DNS
//	reach      whether this node can be dialled from outside: asks peers, and dials back for them
//	portmap    port mappings at the router
//	addrpolicy addresses that no node dials
//	hosttest, p2ptest   bare hosts and simulated networks for tests
//
// None of peers, gossip and chainsync imports another. Each declares the few methods that it needs; Node joins
// them, and test/law_test.go enforces it.
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
// A Lab in the Config injects faults on request: peers refuses the peers that it cuts off, gossip loses, delays
// or pauses messages.
//
// # Guarantees
//
// Data from a peer reaches the chain only through chain.Rules and chain.Add. Our own block is on disk before it
// is published. No claim of a peer allocates memory; every queue, message, stream and count is bounded, and a
// full one never blocks the chain. Only a provable fault counts against a peer; silence, slowness and an
// unknown parent never do. Run returns when every goroutine that it waits for has ended; those of pubsub end
// right after.
//
// # Not here
//
// HTTP (Config.AskURL is passed in), rules of validity, mining, and storage, except for peers.json and the identity.
package p2p
