package store

import "fmt"

// quiet is the engine's logger. It prints nothing, and what the engine would end the process for fails the store.
type quiet struct{ disk *guard }

func (q quiet) Infof(string, ...any) {}

func (q quiet) Errorf(string, ...any) {}

func (q quiet) Fatalf(format string, args ...any) { q.disk.fail(fmt.Errorf(format, args...)) }
