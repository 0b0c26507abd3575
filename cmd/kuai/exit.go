package main

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"

	"kuai/chain"
)

// Exit codes, as the documents list them.
const (
	exitOK      = 0 // also a stop by a signal
	exitFailure = 1
	exitUsage   = 2
	exitLocked  = 3
	exitDamaged = 4
	exitInUse   = 5
)

// usageError marks a command line, environment or config file that asks for nothing possible.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// inUseError names the address that somebody else listens on.
type inUseError struct {
	address string
	port    int
	advice  string // what to do
}

// airPlayAdvice is for those who do not know which program has the usual port.
const airPlayAdvice = ". On macOS, AirPlay Receiver often holds port 5000: System Settings, General, AirDrop & Handoff"

func (e *inUseError) Error() string {
	text := fmt.Sprintf("address %s is in use: %s", e.address, e.advice)
	if runtime.GOOS == "darwin" && e.port == defaultPort {
		text += airPlayAdvice
	}
	return text
}

func (e *inUseError) Unwrap() error { return syscall.EADDRINUSE }

// What binds return on Windows, where syscall.EADDRINUSE is a number of Go's own. A port that the system has reserved is
// forbidden there.
const (
	wsaInUse     = syscall.Errno(10048)
	wsaForbidden = syscall.Errno(10013)
)

// isInUse reports whether a bind failed as the address is in use.
func isInUse(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, wsaInUse) || errors.Is(err, wsaForbidden)
}

// exitCode is the one table from errors to exit codes.
func exitCode(err error) int {
	var usage usageError
	var locked *lockedError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &locked):
		return exitLocked
	case errors.Is(err, chain.ErrDamaged), errors.Is(err, chain.ErrLayout):
		return exitDamaged
	case isInUse(err):
		return exitInUse
	}
	return exitFailure
}
