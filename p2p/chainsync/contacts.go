package chainsync

import (
	"context"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain/consensus"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// rejectedFor is how long a claim that a sync has disproved begins no other sync.
const rejectedFor = 10 * time.Minute

// maxNames bounds the names of disconnected peers that are kept.
const maxNames = 512

// contact is a connected peer.
type contact struct {
	msg             wire.Status   // its last status
	hasStatus       bool          // msg is set
	ahead           time.Duration // of its clock when msg arrived; negative: it was behind
	greeted         bool          // Greet was called since it connected
	asking          bool          // a status exchange that we opened is in progress
	unanswered      int           // exchanges in a row without an answer
	busySince       time.Time     // since when it only asks for a later try; zero if it answers, or does not respond
	onUnknownBranch bool          // its tip is unknown to us, and does not claim more work than ours
	branch          Branch        // that branch, while onUnknownBranch
	fork            int64         // last common block in its last chain request since its last status; 0 if there was none
	left            Branch        // the last such branch that it left for ours
	pulling         bool          // a pull from its pool is in progress
	pullScheduled   bool          // another pull is scheduled
	lastPull        time.Time     // when its pool was last pulled
	lastNewTip      time.Time     // when it was last the first to deliver a new tip

	rejectedTip   consensus.Hash // a claimed tip that a sync has disproved
	rejectedUntil time.Time
}

// Claim returns the last status of p, and false if p has sent none.
func (s *Syncer) Claim(p peer.ID) (wire.Status, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.contacts[p]
	if c == nil || !c.hasStatus {
		return wire.Status{}, false
	}
	return c.msg, true
}

// HasStatus reports whether p has sent its status since it connected.
func (s *Syncer) HasStatus(p peer.ID) bool {
	_, ok := s.Claim(p)
	return ok
}

// nameOf returns the name that p gives itself, "" if it has none.
func (s *Syncer) nameOf(p peer.ID) string {
	said, _ := s.Claim(p)
	return said.Name
}

// ClockAhead returns how far p's clock was ahead of ours at its last status, to the second; 0 if p has sent none.
func (s *Syncer) ClockAhead(p peer.ID) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.contacts[p]; c != nil {
		return c.ahead
	}
	return 0
}

// Branch is a branch of a peer that this node does not hold.
type Branch struct {
	Tip    consensus.Hash
	Height int64
	Fork   int64     // last common block with our chain; 0 if not known
	At     time.Time // when this node learned that the peer had left it; zero: never
}

// Left returns the last branch that p has left for ours since it connected.
func (s *Syncer) Left(p peer.ID) Branch {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.contacts[p]; c != nil {
		return c.left
	}
	return Branch{}
}

// leaves sets the last common block with our chain, if fork is on the branch.
func (b *Branch) leaves(fork int64) {
	if 0 < fork && fork < b.Height {
		b.Fork = fork
	}
}

// noteFork records the last common block of our chain and p's, which p's chain request shows.
func (s *Syncer) noteFork(p peer.ID, fork int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.contact(p)
	c.fork = fork // its status may arrive after this
	c.branch.leaves(fork)
}

// noteLeft records a branch that p has left for ours, unless we have switched to that branch.
func (s *Syncer) noteLeft(p peer.ID, b Branch) {
	if s.chain.Has(b.Tip) {
		return
	}
	b.At = time.Now()
	s.mu.Lock()
	s.contact(p).left = b
	s.mu.Unlock()
	s.log.Info("peer has left a branch of its own for ours", "peer", p, "index", b.Height, "hash", b.Tip.Short(), "fork", b.Fork)
}

// TipFrom records that a block from p arrived by gossip and became the tip.
func (s *Syncer) TipFrom(p peer.ID, h consensus.Header) {
	s.noteNewTip(p)
	s.arrivals.block(h, p)
}

// PaymentFrom records a payment from p that arrived by gossip.
func (s *Syncer) PaymentFrom(p peer.ID, id consensus.ID) { s.arrivals.payment(id, p) }

// noteNewTip records that p was the first to deliver a new tip.
func (s *Syncer) noteNewTip(p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contact(p).lastNewTip = time.Now()
}

// LastNewTip returns when p was last the first to deliver a new tip; zero if it was not since it connected.
func (s *Syncer) LastNewTip(p peer.ID) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.contacts[p]; c != nil {
		return c.lastNewTip
	}
	return time.Time{}
}

// contact returns p's entry. The caller holds mu.
func (s *Syncer) contact(p peer.ID) *contact {
	c := s.contacts[p]
	if c == nil {
		c = &contact{}
		s.contacts[p] = c
	}
	return c
}

// somePeers returns at most n random connected peers that speak our protocols.
func (s *Syncer) somePeers(n int) []peer.ID {
	peers := s.kuaiPeers()
	rand.Shuffle(len(peers), func(i, j int) { peers[i], peers[j] = peers[j], peers[i] })
	return peers[:min(n, len(peers))]
}

// kuaiPeers returns the connected peers that speak our protocols.
func (s *Syncer) kuaiPeers() []peer.ID {
	var peers []peer.ID
	for _, p := range s.host.Network().Peers() {
		if s.client.Speaks(p, stream.Status) {
			peers = append(peers, p)
		}
	}
	return peers
}

// forgetGone deletes the contacts that are no longer connected.
func (s *Syncer) forgetGone() {
	connected := make(map[peer.ID]bool)
	for _, p := range s.host.Network().Peers() {
		connected[p] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.contacts, func(p peer.ID, _ *contact) bool { return !connected[p] })
}

// Forget deletes the contact of a peer that has no connection left, but keeps its name.
func (s *Syncer) Forget(p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.contacts[p]; c != nil && c.msg.Name != "" {
		for other := range s.names {
			if len(s.names) < maxNames {
				break
			}
			delete(s.names, other)
		}
		s.names[p] = c.msg.Name
	}
	delete(s.contacts, p)
}

// LastName returns the name that p had when it was last connected, if it is still kept.
func (s *Syncer) LastName(p peer.ID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[p]
}

// IsNew reports whether p is to be greeted: once for each time that it connects.
func (s *Syncer) IsNew(p peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.contact(p)
	again := c.greeted
	c.greeted = true
	return !again
}

// Greet exchanges statuses and pulls the pool.
func (s *Syncer) Greet(ctx context.Context, p peer.ID) {
	if s.exchangeStatus(ctx, p) == nil {
		_ = s.PullPool(ctx, p)
	}
}
