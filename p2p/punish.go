package p2p

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/p2p/stream"
)

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
	if stream.IsProvable(err) {
		s.punish(p, err)
	}
}
