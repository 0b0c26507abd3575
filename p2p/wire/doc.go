// Package wire holds what nodes say to each other, byte by byte: the frames of the stream protocols, the
// messages in them, and the announcement of a large block on the block topic. docs/PROTOCOL.md describes the
// same for programs in other languages.
//
// # Vocabulary
//
//   - frame: a length and as many bytes. A stream is a sequence of frames in each direction.
//   - message: the fields in one frame, of fixed width and big endian: Status, SyncRequest, SyncHead, hashes, ids.
//   - violation: an error that proves that the other side breaks the protocol. An end of a stream, also inside
//     a frame, proves nothing.
//
// # Guarantees
//
// Each message has one spelling, and its largest size stands beside its fields. A length is compared with the
// most that is allowed before memory is taken. What is parsed and appended again is the same bytes, but for
// fields of later versions behind a Status.
//
// # Not here
//
// No stream, clock, peer or chain: who may send what, when and how often is decided in package p2p.
package wire
