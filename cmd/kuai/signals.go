package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
	"time"
)

// sameRequest is how long further signals belong to the first: timeout(1) sends SIGTERM twice, and a terminal that closes may send
// SIGHUP from the kernel and from the shell.
const sameRequest = 500 * time.Millisecond

// forcing are the signals that end the process at once when they come after a first request to stop. SIGHUP is not among
// them: systemd sends it after SIGTERM, for the same stop.
var forcing = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT}

// untilSignal returns a context that ends with the first signal to stop. SIGQUIT writes all stacks to w, too. On Windows
// a console that closes counts as SIGTERM.
func untilSignal(w io.Writer) context.Context {
	got := make(chan os.Signal, 1)
	signal.Notify(got, forcing...)
	if !signal.Ignored(syscall.SIGHUP) { // nohup(1) has it ignored
		signal.Notify(got, syscall.SIGHUP)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		quit := <-got == syscall.SIGQUIT
		var stacks bytes.Buffer
		if quit {
			_ = pprof.Lookup("goroutine").WriteTo(&stacks, 2) // a buffer takes all
		}
		cancel() // before a write that may never return
		time.AfterFunc(sameRequest, func() { signal.Reset(forcing...) })
		_, _ = stacks.WriteTo(w)
	}()
	return ctx
}

// outlivePipes makes a write to a pipe without a reader an error. By default such a write to standard output or standard error
// ends a process.
func outlivePipes() { signal.Ignore(syscall.SIGPIPE) }
