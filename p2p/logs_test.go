package p2p

import (
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"

	"kuai/p2p/hosttest"
)

// TestClosedListenersAreNoWarning logs what the swarm says when a listener ends.
func TestClosedListenersAreNoWarning(t *testing.T) {
	log := &hosttest.Log{}
	lib := slog.New(libraryLog{log.Logger().Handler()})
	const text = "swarm listener accept error"
	for _, err := range []error{errors.New("listener closed"), net.ErrClosed} {
		lib.Error(text, "addr", "/ip4/127.0.0.1/tcp/1", "err", err)
	}
	if log.String() != "" {
		t.Errorf("a stop is logged: %s", log)
	}
	lib.Error(text, "err", errors.New("too many open files"))
	if !strings.Contains(log.String(), "level=WARN") {
		t.Error("a failure is not logged")
	}
}
