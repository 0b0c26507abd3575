// Package peers knows the other nodes: their addresses, which are connected, and which broke the protocol.
//
// # Vocabulary
//
//   - peer: another node, named by its peer id, the hash of its key.
//   - static peer: one that the operator asked for, by a multiaddr or by the URL of its daemon. It is dialled
//     indefinitely.
//   - request: an address that a user gave, at the start or by a registration: a multiaddr, a URL or host:port.
//     A URL has a peer once a kuai node of this network has answered there. Another node may answer later, or a
//     Flask node, which is not a peer.
//   - registered: listed by POST /nodes/register, and remembered.
//   - neighbour: a peer that multicast DNS found on the local network, or another node of this user on this machine.
//   - book: one entry for each peer that is static, is or was connected, or was only heard of. Those that were
//     connected are in peers.json, beside the registrations.
//   - hearsay: addresses of a peer that somebody else told of.
//   - fault: something that a peer did wrong. A provable one refuses the peer for a while, a stall only pauses
//     what is asked of it.
//   - twin: another node with this node's identity.
//
// # Flow
//
//	static peers, mDNS, nodes of this machine, peers.json, peer exchange, DHT
//	                 │ AddHearsay, Connect
//	   Table ──► book ──dials, disconnects──► host ◄── Gater: refuses peers
//	     ▲                                     │
//	     └── events: connected, identified ────┘
//
// Only the loop of Table.Run handles events of connections, and step starts what is due: disconnections, dials
// of static peers, lookups of requests, dials for free outbound slots. The loop never blocks: each dial has a
// goroutine, whose end wakes the loop. While all outbound slots are taken, one of them is given to a peer that
// is not connected every few minutes. Queries of the DHT dial peers themselves, through dhtHost, which bounds
// their number and closes those beyond the outbound slots. Nothing else dials: other streams are opened only to
// connected peers.
//
//   - A peer is up when identification has completed, and down when no connection is left. The end of one
//     connection does not matter, as a dial opens several and closes all but one. A connection without
//     identification is closed after 10 s; the peer's others stay.
//   - A dial that fails lengthens the wait for the next one, unless this node is the cause: a limit, no
//     network, the connection gater. The wait grows to 5 s for a static peer, 30 s for one that was connected
//     before and 10 min for hearsay. A status, a connection from the peer, multicast DNS and new addresses of
//     this machine end it.
//   - A dial that hangs takes a slot for a second only. Peers that only multicast DNS named have a budget of
//     dials of their own.
//   - A node that has as many peers as it takes refuses others after the handshake, except for static peers, with
//     a code that says so. It does not close a connection in favour of a newcomer, which waits and dials again.
//   - Subnets are counted by the address of a peer's connection. A peer that was never connected counts in
//     every subnet that it announces.
//
// # Addresses that users give
//
//	--peer ──Connect──► request ◄──Register── POST /nodes/register       one parser, one record, one list of states
//	                       │  takeDueLookups
//	      multiaddr ───────┤───────── URL ──► Config.AskURL ──► a urlResult: kuai, Flask, neither, no answer
//	                       ▼                                        │ applyResult
//	                     book ◄────────── setPeer ──────────────────┘
//
// What answers at a URL may change, so it is asked again and again.
//
//   - A URL is asked at its registration, when its peer is dialled, on AskRegistered, and while it has no peer,
//     after waits that grow to 30 s. Silence changes nothing: it keeps its kind, and its peer is still dialled.
//   - A list is registered as a whole or not at all: the file is written first. Later changes of a URL are
//     written within a minute.
//   - An address of this node itself is removed once the check for a twin has found that it is this node. That of
//     a twin stays, and so does one at which the check reaches nobody.
//   - Package rpc parses requests and shows what this package returns. Config.AskURL is passed in, as this
//     package does not speak HTTP.
//
// # Guarantees
//
// Bounded are the requests (1,024, of them 256 registered), the other peers of the book (256, of them 32 by
// hearsay while others were connected), their addresses (16), and the faults (4,096). Only a provable fault
// counts against a peer; silence and slowness never do, and a static peer is paused, never refused. No address
// that the policy of package addrpolicy refuses is dialled. A hearsay address never displaces a proven one. Run
// returns when all that it started has ended.
//
// # Not here
//
// Blocks and payments. The package that exchanges statuses knows what a peer says of its chain; the table calls
// five methods of it.
package peers
