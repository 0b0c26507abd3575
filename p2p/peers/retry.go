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

// Waits between two dials of a peer that was not reached. They grow by three quarters each time, and a random
// part of up to a half is subtracted from each, so that two nodes do not dial in step.
const (
	firstRetry       = time.Second
	firstRetryStatic = 500 * time.Millisecond

	maxRetryStatic = 5 * time.Second  // static peers
	maxRetryKnown  = 30 * time.Second // was connected before, in this run or an earlier one
	maxRetryHeard  = 10 * time.Minute // never connected

	maxReason = 300 // bytes of a failure's description that are kept
)

var (
	errNoIdentify = errors.New("it says nothing on the connection, or closes it at once: it may refuse this node")
	errNoStatus   = errors.New("it closed the connection before it said its status")
)

// retry is when a peer is dialled next, and why the last dial failed.
type retry struct {
	fails int       // dials in a row that failed
	next  time.Time // no dial before
	err   string    // of the last dial; "" if it connected
	state string    // err as stateOf returns it
	cause string
	at    map[string]string // causes by the address that was dialled
}

// failed delays the next dial, the longer the more dials failed in a row. A failure of this node does not
// count, as it says nothing about the peer.
func (r *retry) failed(first, most time.Duration, err error) {
	r.backOff(first, most)
	r.setError(err)
	if !localFailure(err) {
		r.fails++
	}
}

// setError records why the last dial failed.
func (r *retry) setError(err error) {
	r.err = reason(err)
	r.state, r.cause = stateOf(err)
	r.at = nil
	if all := (*swarm.DialError)(nil); errors.As(err, &all) {
		r.at = make(map[string]string)
		for _, e := range all.DialErrors {
			r.at[e.Address.String()] = causeAt(e)
		}
	}
}

// backOff delays the next dial according to the failures so far.
func (r *retry) backOff(first, most time.Duration) {
	wait := first
	for i := 0; i < r.fails && wait < most; i++ {
		wait += wait / 4 * 3
	}
	wait = min(wait, most)
	r.next = time.Now().Add(wait/2 + rand.N(wait/2))
}

// reset ends the wait, and makes the next failure count as the first.
func (r *retry) reset() { r.fails, r.next = 0, time.Time{} }

// describe sets in e what is known of the dials of a peer that is not connected.
func (r *retry) describe(e *Peer) { r.describeAt(e, r.cause) }

// describe sets in e that the peer is being dialled, or its URL asked. u is nil if neither is so.
func (u *attempt) describe(e *Peer) {
	if u != nil && !u.canceled && e.NextDial.IsZero() {
		what, cause, _ := strings.Cut(e.State, ": ")
		e.State = stateText(what+", trying now", cause, 0)
	}
}

// describeAt is describe with the cause at one of the peer's addresses.
func (r *retry) describeAt(e *Peer, cause string) {
	e.LastError, e.State = r.err, "not connected"
	if r.next.After(time.Now()) {
		e.NextDial = r.next
	}
	if r.err != "" {
		e.State, e.Reason = stateText(r.state, cause, time.Until(r.next)), stateText(r.state, cause, 0)
	}
}

// reason returns the error of a failed dial in one line: each address with its error, as far as there is room.
func reason(err error) string {
	all := (*swarm.DialError)(nil)
	if !errors.As(err, &all) || len(all.DialErrors) == 0 {
		return shortened(err.Error())
	}
	text := ""
	for _, e := range all.DialErrors {
		part := shortened(fmt.Sprintf("%s: %v", e.Address, e.Cause))
		switch {
		case text == "":
			text = part
		case len(text)+len("; ")+len(part) > maxReason:
			return text
		default:
			text += "; " + part
		}
	}
	return text
}

func shortened(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), maxReason)], "")
}

// localFailure reports whether this node is the cause at every address: a limit, the connection gater, a
// canceled dial, or no network.
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

// localCauses are errors of dials that fail before a packet leaves this machine. Windows has numbers of its own.
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
