// Package stream answers and asks by request protocols: one libp2p stream for each request, opened by the asker.
//
//	Client.Ask ──stream──► Server ──limits, rates──► Handler
//
// # Guarantees
//
// A handler starts with deadlines, for the request and for the whole stream. What peers have open, ask in a
// second and are sent in a second is bounded, for each peer and for all. A stream is closed after a success and
// reset otherwise, with a code that says why. The end of a context interrupts reads and writes. Only what
// proves that the other side breaks the protocol is reported to Punish.
//
// # Not here
//
// No messages (package wire), and nothing of what an answer means: handlers and callers of Ask know that.
package stream
