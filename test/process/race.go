//go:build race

package process

// raceEnabled builds the command as the tests are built.
const raceEnabled = true
