package chaintest

import (
	"syscall"
	"testing"
	"time"
)

// ProcessorTime returns the processor time that this process has used: steadier than a clock on a machine where others work, too.
func ProcessorTime(tb testing.TB) time.Duration {
	tb.Helper()
	process, err := syscall.GetCurrentProcess()
	if err != nil {
		tb.Fatal(err)
	}
	var started, ended, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(process, &started, &ended, &kernel, &user); err != nil {
		tb.Fatal(err)
	}
	return duration(kernel) + duration(user)
}

// duration reads a count of 100 ns.
func duration(f syscall.Filetime) time.Duration {
	return time.Duration(int64(f.HighDateTime)<<32|int64(f.LowDateTime)) * 100
}
