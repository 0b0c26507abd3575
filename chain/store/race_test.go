//go:build race

package store_test

// raced says whether the race detector is in this binary.
const raced = true
