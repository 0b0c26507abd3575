//go:build race

package e2e

// raceEnabled builds the daemons as the tests are built.
const raceEnabled = true
