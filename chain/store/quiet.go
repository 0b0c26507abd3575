package store

import (
	"fmt"
	"sync/atomic"
	"syscall"
)

// errLockHeld is what locking a file that another process has locked returns.
const errLockHeld = syscall.EAGAIN

// quiet is the engine's logger: it keeps the last complaint and prints nothing.
type quiet struct{ last atomic.Pointer[string] }

func (q *quiet) Infof(string, ...any) {}

func (q *quiet) Errorf(format string, args ...any) { q.keep(format, args) }

func (q *quiet) Fatalf(format string, args ...any) { q.keep(format, args) }

func (q *quiet) keep(format string, args []any) {
	s := fmt.Sprintf(format, args...)
	q.last.Store(&s)
}
