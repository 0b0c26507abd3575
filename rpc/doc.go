// Package rpc is the HTTP face of a node: the tutorial's five endpoints as Flask answers them, what a
// network adds to them, and the client that the command line's verbs use.
//
// # Flow
//
//	listener ──512 connections, those that wait longest are closed for new ones──► net/http ──► guard (host, headers, body limit)
//	   ──► the mux, from the table in package api (path, then method: HEAD, OPTIONS, 404 and 405 as Flask's)
//	   ──► guardChange (cross-site, prefetch, token; for every operation that isn't known to read only)
//	   ──► handler ──► chain, Network, Miner ──► a type of package api as JSON, or an error by the table in errors.go
//
// # Vocabulary
//
//   - node: an entry of POST /nodes/register, a URL, host:port or multiaddr. The network keeps them, and asks URLs by an Asker of this package.
//   - Flask neighbour: a registered URL that answers /chain and no /node. It is read on /nodes/resolve.
//   - replaced: the tip after /nodes/resolve is another one than before it.
//
// # Guarantees
//
// A 201 is on disk before it is sent, and so is a mined block. JSON is spelled as Flask spells it: keys sorted,
// compact, ASCII, numbers as Python prints them, one newline at the end. Whatever has no bound of its own is
// streamed from a snapshot in constant memory or paged. Outgoing requests reach no link-local or metadata
// address, follow no redirect, use no proxy and are bounded in time and size.
//
// # Not here
//
// No rule of validity (package chain decides), no libp2p, no proof search: the daemon hands those in as
// Network and Miner.
package rpc
