package p2p

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// How long a peer that is to be disconnected stays, unless it goes by itself. Closing a connection discards what is not sent yet,
// and on TCP what the peer has not read, too.
const (
	codeTime    = time.Second            // after its stream was reset: until it has the code
	foreignTime = 2 * time.Second        // of another network: until it has our identify and sees the reason, too
	stopTime    = 200 * time.Millisecond // of this node's stop, after streams were reset
)

// departure is a connected peer that will be disconnected.
type departure struct {
	at    time.Time
	fault bool // it broke the protocol: its streams are reset unread
}

// dismiss disconnects p after a while.
func (s *syncer) dismiss(p peer.ID, d departure) {
	s.mu.Lock()
	if known, ok := s.leaving[p]; ok {
		d.fault = d.fault || known.fault
		if known.at.Before(d.at) {
			d.at = known.at
		}
	}
	s.leaving[p] = d
	s.mu.Unlock()
	signal(s.leaves)
}

// isDismissed reports whether p stays connected only to read why it must go.
func (s *syncer) isDismissed(p peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leaving[p].fault
}

// leaveLoop disconnects the peers that dismiss names, each at its time.
func (s *syncer) leaveLoop(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.leaves:
		case <-timer.C:
		}
		due, next := s.departures()
		for _, p := range due {
			_ = s.host.Network().ClosePeer(p)
		}
		timer.Reset(next)
	}
}

// departures takes out the peers whose time has come, and returns when to look again.
func (s *syncer) departures() (due []peer.ID, next time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next = time.Hour
	for p, d := range s.leaving {
		left := time.Until(d.at)
		if left > 0 {
			next = min(next, left)
			continue
		}
		due = append(due, p)
		delete(s.leaving, p)
	}
	return due, next
}
