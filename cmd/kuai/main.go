// Command kuai runs a node of a gossiped tutorial blockchain, and talks to a running one.
package main

import "os"

func main() {
	os.Exit(run(untilSignal(os.Stderr), terminal{os.Args[1:], os.Environ(), os.Stdout, os.Stderr}))
}
