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
	} {
		state, cause := stateOf(c.err)
		if got := stateText(state, cause, c.next); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}
