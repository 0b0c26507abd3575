package peers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
)

func TestStatesInWords(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	at := ma.StringCast("/ip4/192.0.2.1/tcp/1")
	dial := func(causes ...error) error {
		e := &swarm.DialError{Cause: swarm.ErrAllDialsFailed}
		for _, c := range causes {
			e.DialErrors = append(e.DialErrors, swarm.TransportError{Address: at, Cause: c})
		}
		return fmt.Errorf("failed to dial: %w", e)
	}
	for _, c := range []struct {
		err  error
		next time.Duration
		want string
	}{
		{dial(refused, refused), 11*time.Second + time.Millisecond, "unreachable, next try in 12 s: connection refused"},
		{dial(refused, context.DeadlineExceeded), 5 * time.Minute, "unreachable, next try in 5 min: connection refused, no answer"},
		{context.DeadlineExceeded, 0, "unreachable: no answer"},
		{errNoStatus, time.Second, "unreachable, next try in 1 s: it closed the connection before it said its status"},
		{fmt.Errorf("%w, 1-1", errForeign), 10 * time.Minute, "other network, next try in 10 min"},
		{fmt.Errorf("http://192.0.2.1: %w", ErrFlask), 30 * time.Second, "Flask node, next try in 30 s"},
		{fmt.Errorf("%w: answers 403 to /node", ErrNoNode), 3 * time.Second, "not a node, next try in 3 s: answers 403 to /node"},
		{errTwin, 10 * time.Minute, "same identity as this node, next try in 10 min"},
		{errors.New("no idea"), 0, "unreachable: no idea"},
		{dial(fmt.Errorf("failed to negotiate security protocol: %w", errors.New("message did not have trailing newline"))), 0,
			"unreachable: it answers in no way that is understood: another swarm key, or one on one side only; or that is not its port for peers"},
		{dial(fmt.Errorf("failed to negotiate security protocol: %w", syscall.ECONNRESET)), 0,
			"unreachable: it closed the connection at once: another swarm key, or one on one side only; or it refuses this node"},
		{dial(fmt.Errorf("failed to negotiate security protocol: %w", os.ErrDeadlineExceeded)), 0, "unreachable: no answer"},
		{dial(swarm.ErrDialToSelf), 0, "unreachable: this node itself listens there, and its peer id is another one"},
		{dial(swarm.ErrNoTransport), 0, "unreachable: this node has no transport for that address: give one with /tcp/PORT"},
	} {
		state, cause := stateOf(c.err)
		if got := stateText(state, cause, c.next); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}
