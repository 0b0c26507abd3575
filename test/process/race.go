//go:build race

package process

// Race says that the command is built with the race detector, as the tests are.
const Race = true
