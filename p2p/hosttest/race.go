//go:build race

package hosttest

// Raced says that the race detector is in this binary, which makes it several times slower.
const Raced = true
