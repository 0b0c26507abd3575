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
	statusWithin = 5 * time.Second // an exchange, there and back
	statusPeers  = 2               // asked each round
	maxMissed    = 3               // exchanges in a row without an answer, then the peer is disconnected
	maxBusy      = time.Minute     // of nothing but "ask later"
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
	if err := wire.WriteFrame(x.W, s.self().Append(nil)); err != nil {
		return err
	}
	if err := x.W.Flush(); err != nil {
		return err
	}
	s.hear(x.Peer, msg)
	return nil
}

// self is what this node says of itself.
func (s *Syncer) self() wire.Status {
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

// exchangeStatus tells p our status and hears its.
func (s *Syncer) exchangeStatus(ctx context.Context, p peer.ID) error {
	if !s.startAsking(p) {
		return nil
	}
	began := time.Now()
	var msg wire.Status
	err := s.client.Ask(ctx, p, stream.Status, statusWithin, func(st network.Stream) error {
		if err := stream.SendRequest(st, s.self().Append(nil)); err != nil {
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
	s.hear(p, msg)
	return nil
}

// startAsking marks an exchange with p as under way, unless one is.
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

// doneAsking ends an exchange with p. A peer that missed too many in a row is disconnected: a reset tells as little as silence. One
// that says that it is busy or asked too often has more time.
func (s *Syncer) doneAsking(p peer.ID, err error) {
	s.mu.Lock()
	c := s.contact(p)
	c.asking = false
	switch {
	case err == nil, stream.IsProvable(err):
		c.missed, c.busy = 0, time.Time{}
	case stream.IsLater(err):
		if c.busy.IsZero() {
			c.busy = time.Now()
		}
	case !stream.IsOurs(err):
		c.missed++
	}
	useless := c.missed >= maxMissed || !c.busy.IsZero() && time.Since(c.busy) >= maxBusy
	s.mu.Unlock()
	if useless {
		s.log.Info("peer does not answer, disconnecting", "peer", p, "error", err)
		s.peers.Drop(p)
	}
}

// hear keeps p's status and wakes the sync where p is ahead. A peer that has left a branch of its own for ours has payments
// of that branch pending again, and nobody else tells us of them: its pool is pulled.
func (s *Syncer) hear(p peer.ID, msg wire.Status) {
	ours := s.chain.Rules().Genesis.Hash()
	if msg.Genesis != ours {
		s.peers.DropForeign(p, msg.Genesis.Short(), ours.Short())
		return
	}
	known, ahead := s.chain.Has(msg.Tip), s.isAhead(msg)
	s.mu.Lock()
	comes := time.Now().Before(s.coming[msg.Tip])
	c := s.contact(p)
	named := !c.heard && msg.Name != ""
	c.msg, c.heard = msg, true
	c.ahead = msg.Time.Sub(s.chain.Now()).Round(time.Second)
	left := c.branch
	if known && c.astray {
		s.returned[p] = struct{}{}
		signal(s.returns)
	}
	c.astray = !known && (c.astray || !ahead)
	c.branch = Branch{}
	if c.astray {
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
	s.peers.Said(p)
	if ahead && !comes {
		signal(s.ahead)
	}
}

// isAhead reports whether a peer that said msg claims more work than our chain has: on a classic network a greater height.
func (s *Syncer) isAhead(msg wire.Status) bool { return msg.Claim().Compare(s.chain.State().Work) > 0 }

// statusLoop asks two random peers every 1..2 s, and at once the peers that wake names.
func (s *Syncer) statusLoop(ctx context.Context) error {
	timer := time.NewTimer(statusPause())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wakes:
			s.askEach(ctx, s.takeAll(s.woken))
		case <-timer.C:
			s.forgetGone()
			s.askEach(ctx, s.somePeers(statusPeers))
			timer.Reset(statusPause())
		}
	}
}

// statusPause is the time between two rounds, different each time so that nodes do not march in step.
func statusPause() time.Duration { return time.Second + rand.N(time.Second) }

// askEach exchanges statuses with each peer, without waiting.
func (s *Syncer) askEach(ctx context.Context, peers []peer.ID) {
	for _, p := range peers {
		s.tasks.Go(func() { _ = s.exchangeStatus(ctx, p) })
	}
}
