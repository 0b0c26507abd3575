package p2p

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain/consensus"
	"kuai/p2p/wire"
)

// A peer that is asked must deliver stallBytes in each stallAfter, or the end of its answer. One that is far away may take
// stallTrips of its round trips for it, up to stallMost.
const (
	stallAfter = 2 * time.Second
	stallMost  = 6 * time.Second
	stallTrips = 4
	stallBytes = 16 << 10
)

// errUnlisted says that a peer was not asked: its identify does not list the protocol.
var errUnlisted = errors.New("the peer does not list the protocol")

// ask opens a stream to a connected peer that lists the protocol, runs talk on it within a time, and ends it: closed where talk returns nil, reset
// otherwise. The end of ctx interrupts talk; its cause may prove that p broke the protocol.
func (s *syncer) ask(ctx context.Context, p peer.ID, name string, within time.Duration, talk func(network.Stream) error) error {
	if !s.speaks(p, name) {
		return fmt.Errorf("%s: %w", protocolID(s.network, name), errUnlisted)
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	st, err := s.host.NewStream(network.WithNoDial(ctx, "kuai asks connected peers only"), p, protocolID(s.network, name))
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { resetFor(st, context.Cause(ctx)) })
	err = talk(st)
	switch {
	case !stop():
		return errors.Join(ctx.Err(), err)
	case err == nil:
		return st.Close()
	}
	code := resetFor(st, err)
	s.faults.refusals.say(p, string(st.Protocol()), "answer not taken", "error", err, "code", hexCode(code))
	return err
}

// resetFor resets a stream that failed with err, and returns the code.
func resetFor(st network.Stream, err error) network.StreamErrorCode {
	if provable(err) {
		_ = st.ResetWithError(codeViolation)
		return codeViolation
	}
	_ = st.Reset()
	return 0
}

// hexCode writes a reset code as the protocol page does.
func hexCode(code network.StreamErrorCode) string { return fmt.Sprintf("%#x", uint32(code)) }

// sendRequest writes a request of one frame and closes our side.
func sendRequest(st network.Stream, payload []byte) error {
	if err := st.SetDeadline(time.Now().Add(requestWithin)); err != nil {
		return err
	}
	if _, err := st.Write(wire.AppendFrame(nil, payload)); err != nil {
		return err
	}
	return st.CloseWrite()
}

// stallReader reads a stream and gives up on one that drips.
type stallReader struct {
	st    network.Stream
	after time.Duration
	since int // bytes read since the deadline was set
}

// newStallReader returns a reader of a peer that is a round trip away; the time for its first bytes begins now.
func newStallReader(st network.Stream, trip time.Duration) *stallReader {
	return &stallReader{st: st, after: min(max(stallAfter, stallTrips*trip), stallMost), since: stallBytes}
}

func (r *stallReader) Read(b []byte) (int, error) {
	if r.since >= stallBytes {
		r.since = 0
		if err := r.st.SetReadDeadline(time.Now().Add(r.after)); err != nil {
			return 0, err
		}
	}
	n, err := r.st.Read(b)
	r.since += n
	return n, err
}

// punish notes a provably bad answer of p and disconnects it, unless it is a static peer. The connection ends a little later, so that
// the code that p's stream was reset with arrives.
func (s *syncer) punish(p peer.ID, err error) {
	s.faults.bad(p, err.Error())
	if s.faults.refused(p) {
		s.ends.later(p, departure{at: time.Now().Add(codeTime), fault: true})
	}
}

// blame punishes p where err proves that it answered badly.
func (s *syncer) blame(p peer.ID, err error) {
	if provable(err) {
		s.punish(p, err)
	}
}

// provable reports whether err proves that the other side is bad.
func provable(err error) bool {
	var invalid *consensus.InvalidError
	return errors.Is(err, wire.ErrViolation) || errors.As(err, &invalid)
}
