package hosttest

import (
	"runtime"
	"testing"

	"go.uber.org/goleak"
)

// Main runs the tests of a package, and fails if a goroutine is left.
func Main(m *testing.M) {
	if Raced {
		// The race detector keeps one record for all timers of a synctest bubble, and crashes where two
		// processors fire some at once: https://github.com/golang/go/issues/78156. It sees races on one as
		// well, by the order of events.
		runtime.GOMAXPROCS(1)
	}
	goleak.VerifyTestMain(m)
}
