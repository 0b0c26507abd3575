// Package peers knows the other nodes: where they are, who is connected, and what they did wrong.
//
// # Vocabulary
//
//   - peer: another node, named by its peer id, the hash of its key.
//   - static peer: one that the operator asked for, by a multiaddr or by the URL of its daemon. It is dialled indefinitely.
//   - request: an address that a user gave, at the start or by a registration: a multiaddr, a URL or host:port. A URL leads to a peer once
//     a kuai node of this network has answered there, and may lead to another one later, or to a Flask node, which is nobody's peer.
//   - registered: listed by POST /nodes/register, and remembered.
//   - neighbour: a peer that multicast DNS found on the local network, or another node of this user on this machine.
//   - book: the peers that were asked for, are connected, were, or were heard of: one entry each. Those that were connected are in
//     peers.json, beside what is registered.
//   - fault: what a peer did wrong. A provable one refuses it for a while, a stall only pauses what is asked of it.
//   - twin: another node with this node's identity.
//
// # Flow
//
//	static peers, mDNS, nodes of this machine, peers.json, peer exchange, DHT
//	                 │ Hear, Connect
//	   Table ──► book ──dials, disconnects──► host ◄── Gater: who is refused
//	     ▲                                     │
//	     └── events: connected, identified ────┘
//
// The loop of Table.Run alone hears of connections, and step begins what is due: disconnecting, dials of static peers, searches
// for whom requests lead to, dials for free outbound slots. It waits for nothing: each dial has a goroutine, whose end wakes the
// loop. While all outbound slots are taken, one of them now and then goes to a peer that is not connected.
//
//   - A peer is up once it has said what it speaks, and down when no connection is left. The end of one connection says nothing, as a dial
//     opens several and closes all but one. A connection without identification is closed after 10 s, that one only.
//   - A dial that fails lengthens the wait for the next one, unless the failure is on this side: a limit, no network, the connection gater.
//     The wait grows to 5 s for a static peer, 30 s for one that was connected before and 10 min for one that was heard of. A status, a
//     connection from the peer, multicast DNS and new addresses of this machine end it.
//   - A dial that hangs takes a slot for a second only. Strangers that multicast named have dials of their own.
//   - A node with as many peers as it takes refuses others after the handshake, but not static peers. It ends no connection for a newcomer:
//     who is refused waits and dials again.
//   - Subnets are counted by the address that a peer was connected from; what it only says counts for all that it names.
//
// # Addresses that users give
//
//	--peer ──Connect──► request ◄──Register── POST /nodes/register       one parser, one record, one list of states
//	                       │  searches begins those that are due
//	      multiaddr ───────┤───────── URL ──► Config.AskURL ──► a finding: kuai, Flask, neither, silent
//	                       ▼                                        │ answered
//	                     book ◄──────────── leads ──────────────────┘
//
// A URL is a claim about a place, so it is asked again and again.
//
//   - A URL is asked at its registration, when its peer is dialled, on AskRegistered, and while it leads to nobody, after waits
//     that grow to 30 s. Silence changes nothing: it is what it was, and its peer is dialled all the same.
//   - A registration is all of a list or nothing: the file is written first. What a URL has become since is written within a minute.
//   - An address that leads to this node itself is dropped once the search for a twin has found that it is this node.
//   - Package rpc reads requests and shows what this package says; the question over HTTP is handed in, as no HTTP is spoken here.
//
// # Guarantees
//
// Bounded are the requests (1,024, of them 256 registered), the other peers of the book (256, of them 32 by hearsay while others
// were connected), their addresses (16), and the faults (4,096). Only a provable fault counts against a peer; silence and slowness never do, and a static peer is paused, never
// refused. No address that the policy of package addrpolicy refuses is dialled. A hearsay address never displaces a proven one.
// Run returns when all that it started has ended.
//
// # Not here
//
// Nothing of blocks and payments. What a peer says of its chain is known to the package that exchanges statuses; the table asks by five methods.
package peers
