//go:build unix

package chaintest

import (
	"syscall"
	"testing"
	"time"
)

// ProcessorTime returns the processor time that this process has used: steadier than a clock on a machine where others work, too.
func ProcessorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
