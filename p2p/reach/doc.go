// Package reach finds out whether a node can be dialled from outside: it asks peers of its own network to try,
// and tries for them.
//
//	Tracker.Run ──AutoNATv2: dial me at this address──► peer ──a connection of its own──► this node
//
// The protocol is libp2p's AutoNATv2. A peer tries from an identity drawn for that, so the connection that this
// node has with it does not help; and it asks for some data first if the address is not the one that it sees,
// so that nobody can aim it at others.
//
// # Guarantees
//
// Only connected peers of our own network are asked and answered. What a neighbour on the local network says
// does not count, as its packets do not come from outside. Only public addresses are tried. Each verdict names
// its witness. A node asks one peer at most once in two minutes, and tries for others at most once a second
// (AutoNATv2's own limits).
package reach
