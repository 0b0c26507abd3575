package peers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// errForeign says that a peer is of another network.
var errForeign = errors.New("it is of another network")

func foreignError(theirs string) error { return fmt.Errorf("%w, %s", errForeign, theirs) }

// stateForeign is its state in words.
const stateForeign = "other network"

// stateOf returns in words the state of a peer whose last dial failed with err: what answers there, if that is
// known, or else "unreachable" and the cause.
func stateOf(err error) (state, cause string) {
	switch {
	case errors.Is(err, errForeign):
		return stateForeign, ""
	case errors.Is(err, ErrFlask):
		return "Flask node", ""
	case errors.Is(err, ErrNoNode):
		return "not a node", strings.TrimPrefix(err.Error(), ErrNoNode.Error()+": ")
	case errors.Is(err, errTwin):
		return "same identity as this node", ""
	}
	return "unreachable", strings.Join(causes(err), ", ")
}

// stateText adds the time of the next try and the cause to a state.
func stateText(state, cause string, next time.Duration) string {
	if next > 0 {
		state += ", next try in " + rounded(next)
	}
	if cause != "" {
		state += ": " + cause
	}
	return state
}

// rounded formats a wait, rounded up: "12 s", "4 min".
func rounded(d time.Duration) string {
	if s := (d + time.Second - 1) / time.Second; s < 120 {
		return fmt.Sprintf("%d s", s)
	}
	return fmt.Sprintf("%d min", (d+time.Minute-1)/time.Minute)
}

// causes returns the distinct causes at the addresses of a dial, in few words. See reason for the whole error.
func causes(err error) []string {
	all := (*swarm.DialError)(nil)
	if !errors.As(err, &all) || len(all.DialErrors) == 0 {
		return []string{cause(err)}
	}
	var out []string
	for _, e := range all.DialErrors {
		if c := causeAt(e); !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// causeAt returns in few words why a dial of one address failed.
func causeAt(e swarm.TransportError) string {
	if errors.Is(e.Cause, swarm.ErrNoTransport) {
		return noTransport(e.Address).Error()
	}
	return cause(e.Cause)
}

// cause returns in few words why a dial failed.
func cause(err error) string {
	errno, timeout := syscall.Errno(0), net.Error(nil)
	switch {
	case errors.Is(err, errNoStatus), errors.Is(err, errNoIdentify), errors.Is(err, errFull), errors.Is(err, errRefusesUs):
		return err.Error()
	case errors.As(err, new(sec.ErrPeerIDMismatch)):
		return "another peer answers there"
	case errors.Is(err, swarm.ErrDialToSelf):
		return "this node itself listens there, and its peer id is another one"
	case errors.Is(err, network.ErrResourceLimitExceeded):
		return "this node has as many connections as it may"
	case errors.Is(err, swarm.ErrGaterDisallowedConnection):
		return "this node refuses it"
	case strings.Contains(err.Error(), noSecurity) && !(errors.As(err, &timeout) && timeout.Timeout()) && !errors.Is(err, context.DeadlineExceeded):
		return stranger(err)
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer"
	}
	return reason(err)
}

// noSecurity is in libp2p's error of a connection on which no handshake came to an end.
const noSecurity = "negotiate security protocol"

// stranger returns what the end of a handshake may mean: with a swarm key, each end reads only noise of one that
// has another or none.
func stranger(err error) string {
	if text := err.Error(); strings.Contains(text, "EOF") || strings.Contains(text, "reset by peer") {
		return "it closed the connection at once: another swarm key, or one on one side only; or it refuses this node"
	}
	return "it answers in no way that is understood: another swarm key, or one on one side only; or that is not its port for peers"
}
