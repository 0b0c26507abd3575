package chainsync

import (
	"bufio"
	"context"
	"math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// The status exchange.
const (
	statusWithin  = 5 * time.Second // for an exchange
	statusPeers   = 2               // asked each round
	maxUnanswered = 3               // exchanges in a row without an answer, then the peer is disconnected
	maxBusy       = time.Minute     // of answers that only ask for a later try
)

// serveStatus answers a status with ours.
//
//	opener → wire.Status, then closes its side
//	       ← wire.Status, then closes
func (s *Syncer) serveStatus(_ context.Context, x *stream.Exchange) error {
	payload, err := wire.ReadOne(x.R, wire.MaxStatus)
	if err != nil {
		return err
	}
	msg, err := wire.ParseStatus(payload)
	if err != nil {
		return err
	}
	if err := wire.WriteFrame(x.W, s.ownStatus().Append(nil)); err != nil {
		return err
	}
	if err := x.W.Flush(); err != nil {
		return err
	}
	s.handleStatus(x.Peer, msg)
	return nil
}

// ownStatus returns the status of this node.
func (s *Syncer) ownStatus() wire.Status {
	state := s.chain.State()
	m := wire.Status{
		Version: wire.StatusVersion, Genesis: s.chain.Rules().Genesis.Hash(),
		Height: state.Tip.Index, Tip: state.Tip.Hash, Time: s.chain.Now(), Agent: s.agent, Name: s.name,
	}
	if s.chain.Rules().IsSecure() {
		m.Work = state.Work
	}
	return m
}

// exchangeStatus sends our status to p and receives p's.
func (s *Syncer) exchangeStatus(ctx context.Context, p peer.ID) error {
	if !s.startAsking(p) {
		return nil
	}
	began := time.Now()
	var msg wire.Status
	err := s.client.Ask(ctx, p, stream.Status, statusWithin, func(st network.Stream) error {
		if err := stream.SendRequest(st, s.ownStatus().Append(nil)); err != nil {
			return err
		}
		r := bufio.NewReaderSize(st, wire.MaxStatus)
		payload, err := wire.ReadOne(r, wire.MaxStatus)
		if err != nil {
			return err
		}
		if msg, err = wire.ParseStatus(payload); err != nil {
			return err
		}
		return wire.SkipToEnd(r, wire.MaxStatus)
	})
	s.doneAsking(p, err)
	if err != nil {
		s.blame(p, err)
		return err
	}
	s.host.Peerstore().RecordLatency(p, time.Since(began))
	s.handleStatus(p, msg)
	return nil
}

// startAsking marks an exchange with p as in progress, and returns false if one is already.
func (s *Syncer) startAsking(p peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.contact(p)
	if c.asking {
		return false
	}
	c.asking = true
	return true
}

// doneAsking ends an exchange with p. A peer that does not answer maxUnanswered exchanges in a row is
// disconnected; a reset is not an answer. A peer that asks for a later try has maxBusy.
func (s *Syncer) doneAsking(p peer.ID, err error) {
	s.mu.Lock()
	c := s.contact(p)
	c.asking = false
	switch {
	case err == nil, stream.IsProvable(err):
		c.unanswered, c.busySince = 0, time.Time{}
	case stream.IsLater(err):
		if c.busySince.IsZero() {
			c.busySince = time.Now()
		}
	case !stream.IsOurs(err):
		c.unanswered++
	}
	useless := c.unanswered >= maxUnanswered || !c.busySince.IsZero() && time.Since(c.busySince) >= maxBusy
	s.mu.Unlock()
	if useless {
		s.log.Info("peer does not answer, disconnecting", "peer", p, "error", err)
		s.peers.Drop(p)
	}
}

// handleStatus keeps p's status and wakes the sync if p claims more work. A peer that has left a branch of its
// own for ours has the payments of that branch pending again, and no other peer has them: its pool is pulled.
func (s *Syncer) handleStatus(p peer.ID, msg wire.Status) {
	ours := s.chain.Rules().Genesis.Hash()
	if msg.Genesis != ours {
		s.peers.DropForeign(p, msg.Genesis.Short(), ours.Short())
		return
	}
	known, ahead := s.chain.Has(msg.Tip), s.isAhead(msg)
	s.mu.Lock()
	comes := time.Now().Before(s.expected[msg.Tip])
	c := s.contact(p)
	named := !c.hasStatus && msg.Name != ""
	c.msg, c.hasStatus = msg, true
	c.ahead = msg.Time.Sub(s.chain.Now()).Round(time.Second)
	left := c.branch
	if known && c.onUnknownBranch {
		s.toPull[p] = struct{}{}
		signal(s.pullWake)
	}
	c.onUnknownBranch = !known && (c.onUnknownBranch || !ahead)
	c.branch = Branch{}
	if c.onUnknownBranch {
		c.branch = Branch{Tip: msg.Tip, Height: msg.Height, Fork: left.Fork}
		c.branch.leaves(c.fork)
	}
	c.fork = 0
	s.mu.Unlock()
	if known && left.Height > 0 {
		s.noteLeft(p, left)
	}
	if named {
		s.log.Info("peer says its name", "peer", p, "name", msg.Name)
	}
	s.peers.StatusReceived(p)
	if ahead && !comes {
		signal(s.ahead)
	}
}

// isAhead reports whether msg claims more work than our chain has: on a classic network a greater height.
func (s *Syncer) isAhead(msg wire.Status) bool { return msg.Claim().Compare(s.chain.State().Work) > 0 }

// statusLoop exchanges statuses with two random peers every 1..2 s, and at once with the peers in toAsk.
func (s *Syncer) statusLoop(ctx context.Context) error {
	timer := time.NewTimer(statusPause())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.askWake:
			s.askEach(ctx, s.takeAll(s.toAsk))
		case <-timer.C:
			s.forgetGone()
			s.askEach(ctx, s.somePeers(statusPeers))
			timer.Reset(statusPause())
		}
	}
}

// statusPause is the time between two rounds, random so that nodes do not ask in step.
func statusPause() time.Duration { return time.Second + rand.N(time.Second) }

// askEach starts a status exchange with each peer.
func (s *Syncer) askEach(ctx context.Context, peers []peer.ID) {
	for _, p := range peers {
		s.tasks.Go(func() { _ = s.exchangeStatus(ctx, p) })
	}
}
