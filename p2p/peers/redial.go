package peers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// How long a peer that was not reached waits for its next dial. The waits grow by three quarters each time; every one is
// shortened at random by up to a half, so that two nodes do not dial in step.
const (
	firstRetry      = time.Second
	firstRetryAsked = 500 * time.Millisecond

	mostRetryAsked = 5 * time.Second  // asked for by the operator
	mostRetryKnown = 30 * time.Second // was connected before, in this run or an earlier one
	mostRetryHeard = 10 * time.Minute // never connected

	maxReason = 300 // bytes of a failure's description that are kept
)

var (
	errMute = errors.New("it has not said what it speaks")
	errLeft = errors.New("it closed the connection before it said its status")
)

// redial is when a peer is dialled next, and why the last dial did not connect it.
type redial struct {
	fails int       // dials in a row that failed
	next  time.Time // no dial before
	err   string    // of the last dial; "" if it connected
	state string    // the same in words, and the cause in few: see stateOf
	cause string
}

// failed delays the next dial, the longer the more dials failed in a row. A failure on this side does not count: it says
// nothing about the peer.
func (r *redial) failed(first, most time.Duration, err error) {
	r.rest(first, most)
	r.says(err)
	if !localFailure(err) {
		r.fails++
	}
}

// says notes why the last dial did not connect the peer.
func (r *redial) says(err error) {
	r.err = reason(err)
	r.state, r.cause = stateOf(err)
}

// rest delays the next dial as after the failures so far.
func (r *redial) rest(first, most time.Duration) {
	wait := first
	for i := 0; i < r.fails && wait < most; i++ {
		wait += wait / 4 * 3
	}
	wait = min(wait, most)
	r.next = time.Now().Add(wait/2 + rand.N(wait/2))
}

// hurry ends the wait for the next dial.
func (r *redial) hurry() { r.fails, r.next = 0, time.Time{} }

// show adds to e what is known of the dials to a peer that is not connected.
func (r *redial) show(e *Peer) {
	e.LastError, e.State = r.err, "not connected"
	if r.next.After(time.Now()) {
		e.NextDial = r.next
	}
	if r.err != "" {
		e.State, e.Reason = inWords(r.state, r.cause, time.Until(r.next)), inWords(r.state, r.cause, 0)
	}
}

// reason is a failed dial's error in one line: each address and what happened there.
func reason(err error) string {
	text := err.Error()
	if all := (*swarm.DialError)(nil); errors.As(err, &all) && len(all.DialErrors) > 0 {
		var parts []string
		for _, e := range all.DialErrors {
			parts = append(parts, fmt.Sprintf("%s: %v", e.Address, e.Cause))
		}
		text = strings.Join(parts, "; ")
	}
	return strings.ToValidUTF8(text[:min(len(text), maxReason)], "")
}

// localFailure reports whether a dial failed on this side at every address: by a limit, the connection gater, a dial that
// was called off, or a network that is down.
func localFailure(err error) bool {
	all := (*swarm.DialError)(nil)
	if !errors.As(err, &all) || len(all.DialErrors) == 0 {
		return isLocal(err)
	}
	for _, e := range all.DialErrors {
		if !isLocal(e.Cause) {
			return false
		}
	}
	return true
}

// localCauses are what a dial fails with before a packet leaves this machine. Windows has numbers of its own.
var localCauses = []error{
	network.ErrResourceLimitExceeded, swarm.ErrGaterDisallowedConnection, swarm.ErrDialBackoff, context.Canceled,
	syscall.ENETUNREACH, syscall.ENETDOWN, syscall.EADDRNOTAVAIL, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS,
	syscall.Errno(10049), syscall.Errno(10050), syscall.Errno(10051), // WSAEADDRNOTAVAIL, WSAENETDOWN, WSAENETUNREACH
}

func isLocal(err error) bool {
	for _, cause := range localCauses {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}
