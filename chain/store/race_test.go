//go:build race

package store_test

// raced reports whether the race detector is in this binary.
const raced = true
