//go:build race

package p2p

// Raced says that the race detector is in this binary, which makes it several times slower.
const Raced = true
