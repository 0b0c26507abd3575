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

// spentFor is how long a claim that a sync did not bear out is not believed again.
const spentFor = 10 * time.Minute

// maxNames bounds the names that are remembered of peers that are away.
const maxNames = 512

// contact is a connected peer.
type contact struct {
	msg     wire.Status   // its last status
	heard   bool          // msg is set
	ahead   time.Duration // of its clock when msg came, negative: it was behind
	greeted bool          // status and pool were asked for after connect
	asking  bool          // a status exchange that we opened is under way
	missed  int           // exchanges in a row without an answer
	busy    time.Time     // since when it answers no status but asks for patience; zero: it answers, or says nothing
	astray  bool          // its tip was on a branch that we do not know, and not ahead of us
	branch  Branch        // where that was, while it is astray
	fork    int64         // the last block in common when it asked for blocks, since its last status; 0: it did not
	left    Branch        // the last such branch that it has left for ours
	pulling bool          // a pull from its pool is under way
	due     bool          // another pull waits for its time
	pulled  time.Time     // when its pool was pulled last
	brought time.Time     // when it last brought a tip before all others

	spent      consensus.Hash // a claimed tip that a sync did not bear out: no sync for it
	spentUntil time.Time
}

// Claim returns what p last said of itself, false where it said nothing yet.
func (s *Syncer) Claim(p peer.ID) (wire.Status, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.contacts[p]
	if c == nil || !c.heard {
		return wire.Status{}, false
	}
	return c.msg, true
}

// HasSaid reports whether p has said its status since it connected.
func (s *Syncer) HasSaid(p peer.ID) bool {
	_, ok := s.Claim(p)
	return ok
}

// nameOf is what p calls itself, "" if it has said no name.
func (s *Syncer) nameOf(p peer.ID) string {
	said, _ := s.Claim(p)
	return said.Name
}

// ClockAhead is how far p's clock was ahead of ours when its last status came, to the second; 0 if none came yet.
func (s *Syncer) ClockAhead(p peer.ID) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.contacts[p]; c != nil {
		return c.ahead
	}
	return 0
}

// Branch is a branch of a peer's that this node does not hold.
type Branch struct {
	Tip    consensus.Hash
	Height int64
	Fork   int64     // the last block that is on our chain, too; 0: not known
	At     time.Time // when the peer was seen to have left it, zero: never
}

// Left returns the branch that p has left for ours last, since it connected.
func (s *Syncer) Left(p peer.ID) Branch {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.contacts[p]; c != nil {
		return c.left
	}
	return Branch{}
}

// leaves sets where the branch leaves our chain, if it does so there.
func (b *Branch) leaves(fork int64) {
	if 0 < fork && fork < b.Height {
		b.Fork = fork
	}
}

// noteFork keeps where the branch that p is on leaves our chain, as p shows when it asks for ours.
func (s *Syncer) noteFork(p peer.ID, fork int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.contact(p)
	c.fork = fork // its status may be heard a moment later
	c.branch.leaves(fork)
}

// noteLeft keeps a branch that p has left for ours, unless it is ours that has become that one.
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

// TipFrom notes a block of p's that gossip brought and that became the tip.
func (s *Syncer) TipFrom(p peer.ID, h consensus.Header) {
	s.bring(p)
	s.arrivals.block(h, p)
}

// PaymentFrom notes a payment that p passed on by gossip.
func (s *Syncer) PaymentFrom(p peer.ID, id consensus.ID) { s.arrivals.payment(id, p) }

// bring notes that p brought us a new tip, before all others.
func (s *Syncer) bring(p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contact(p).brought = time.Now()
}

// LastBrought says when p last did so, zero where it did not since it connected.
func (s *Syncer) LastBrought(p peer.ID) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.contacts[p]; c != nil {
		return c.brought
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

// forgetGone drops the contacts that are no longer connected.
func (s *Syncer) forgetGone() {
	connected := make(map[peer.ID]bool)
	for _, p := range s.host.Network().Peers() {
		connected[p] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.contacts, func(p peer.ID, _ *contact) bool { return !connected[p] })
}

// Forget drops what is known of a peer that has no connection left.
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

// LastName is what p called itself when it was connected last, as far as that is remembered.
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
