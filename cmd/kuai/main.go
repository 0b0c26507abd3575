// Command kuai runs a node of a gossiped tutorial blockchain, and talks to a running one.
package main

import (
	"os"
	"runtime/debug"
)

// gcPercent is how much garbage, in percent of what is in use, the collector lets pile up. Go's 100 doubles what the filters of a long chain's
// payments take: trimming 20,000 full blocks then added 89 MiB, and 48 with this, at the same processor time in a cold sync.
const gcPercent = 50

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	os.Exit(run(untilSignal(os.Stderr), terminal{os.Args[1:], os.Environ(), os.Stdout, os.Stderr}))
}
