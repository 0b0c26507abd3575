//go:build race

package p2p_test

// raced says that the race detector is in this binary, which makes it several times slower.
const raced = true
