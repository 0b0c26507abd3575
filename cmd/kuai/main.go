// Command kuai runs a node of a gossiped tutorial blockchain, and talks to a running one.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from the first signal on, a second one kills as if nobody listened
	os.Exit(run(ctx, terminal{os.Args[1:], os.Environ(), os.Stdout, os.Stderr}))
}
