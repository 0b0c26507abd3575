package p2p

import (
	"bufio"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// The status exchange.
const (
	statusWithin = 5 * time.Second // an exchange, there and back
	statusPeers  = 2               // asked each round
	maxMissed    = 3               // exchanges in a row without an answer, then the peer is disconnected
)

// serveStatus answers a status with ours.
//
//	opener → statusMsg, then closes its side
//	       ← statusMsg, then closes
func (s *syncer) serveStatus(_ context.Context, x *exchange) error {
	payload, err := readOne(x.r, maxStatus)
	if err != nil {
		return err
	}
	msg, err := parseStatus(payload)
	if err != nil {
		return err
	}
	if err := writeFrame(x.w, s.self().append(nil)); err != nil {
		return err
	}
	if err := x.w.Flush(); err != nil {
		return err
	}
	s.hear(x.peer, msg)
	return nil
}

// self is what this node says of itself.
func (s *syncer) self() statusMsg {
	tip := s.chain.Tip()
	return statusMsg{
		Version: statusVersion, Genesis: s.chain.Rules().Genesis.Hash(),
		Height: tip.Index, Tip: tip.Hash, Time: time.Now(), Agent: s.agent,
	}
}

// exchangeStatus tells p our status and hears its.
func (s *syncer) exchangeStatus(ctx context.Context, p peer.ID) error {
	if !s.startAsking(p) {
		return nil
	}
	began := time.Now()
	var msg statusMsg
	err := s.ask(ctx, p, statusName, statusWithin, func(st network.Stream) error {
		if err := sendRequest(st, s.self().append(nil)); err != nil {
			return err
		}
		r := bufio.NewReaderSize(st, maxStatus)
		payload, err := readOne(r, maxStatus)
		if err != nil {
			return err
		}
		if msg, err = parseStatus(payload); err != nil {
			return err
		}
		return readEnd(r)
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
func (s *syncer) startAsking(p peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.contact(p)
	if c.asking {
		return false
	}
	c.asking = true
	return true
}

// doneAsking ends an exchange with p. A peer that missed too many in a row is disconnected.
func (s *syncer) doneAsking(p peer.ID, err error) {
	s.mu.Lock()
	c := s.contact(p)
	c.asking = false
	if timedOut(err) {
		c.missed++
	} else {
		c.missed = 0
	}
	dead := c.missed >= maxMissed
	s.mu.Unlock()
	if dead {
		s.log.Info("peer does not answer, disconnecting", "peer", p)
		_ = s.host.Network().ClosePeer(p)
	}
}

// timedOut says whether err is for want of an answer.
func timedOut(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err)
}

// hear keeps p's status and wakes the sync where p is ahead. A peer that has left a branch of its own for ours has payments
// of that branch pending again, and nobody else tells us of them: its pool is pulled.
func (s *syncer) hear(p peer.ID, msg statusMsg) {
	ours := s.chain.Rules().Genesis.Hash()
	if msg.Genesis != ours {
		s.dropForeign(p, msg.Genesis.Short(), ours.Short())
		return
	}
	known, ahead := s.chain.Has(msg.Tip), msg.Height > s.chain.Tip().Index
	s.mu.Lock()
	comes := time.Now().Before(s.coming[msg.Tip])
	c := s.contact(p)
	c.msg, c.heard = msg, true
	if known && c.astray {
		s.returned[p] = struct{}{}
		signal(s.returns)
	}
	c.astray = !known && (c.astray || !ahead)
	s.mu.Unlock()
	if ahead && !comes {
		signal(s.ahead)
	}
}

// dropForeign refuses a peer of another network.
func (s *syncer) dropForeign(p peer.ID, theirs, ours string) {
	s.faults.otherNetwork(p, theirs, ours)
	s.sendAway(p)
}

// sendAway disconnects p with the next round of statuses, not before, so that it learns the reason, too.
func (s *syncer) sendAway(p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaving[p] = struct{}{}
}

// closeLeaving disconnects those that sendAway named.
func (s *syncer) closeLeaving() {
	for _, p := range s.takeAll(s.leaving) {
		_ = s.host.Network().ClosePeer(p)
	}
}

// statusLoop asks two random peers every 1..2 s, and at once the peers that wake names.
func (s *syncer) statusLoop(ctx context.Context) error {
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
			s.closeLeaving()
			s.askEach(ctx, s.somePeers(statusPeers))
			timer.Reset(statusPause())
		}
	}
}

// statusPause is the time between two rounds, different each time so that nodes do not march in step.
func statusPause() time.Duration { return time.Second + rand.N(time.Second) }

// askEach exchanges statuses with each peer, without waiting.
func (s *syncer) askEach(ctx context.Context, peers []peer.ID) {
	for _, p := range peers {
		s.tasks.Go(func() { _ = s.exchangeStatus(ctx, p) })
	}
}
