package chainsync

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// The pool exchange.
const (
	poolWithin   = 30 * time.Second // for a whole pull: links that are slow and lose packets need seconds for each of its round trips
	poolPause    = 10 * time.Second // between two rounds, and up to as much again
	maxPoolPulls = 4                // at once from peers that we dialled, and as many from others; each takes 2 MiB at most
	pullPause    = time.Second      // between a pull from a peer and one that its status triggers
)

// servePool offers our pending payments and sends those that the peer lacks. Gossip does neither recover lost
// payments nor bring a new peer up to date.
//
//	asker opens, sends nothing yet
//	      ← frames of 1..4096 ids, 16 bytes each, in order of arrival, then an empty frame
//	asker → frames of 1..4096 of these ids, each once, then closes its side
//	      ← for each a frame with the canonical transaction, unless it is no longer pending, then closes
func (s *Syncer) servePool(_ context.Context, x *stream.Exchange) error {
	pending := s.chain.Pending()
	pending = pending[:min(len(pending), chain.MaxPoolTransactions)] // a reorg may have returned more: they are offered later
	if err := offerIDs(x.W, pending); err != nil {
		return err
	}
	wanted, err := readWanted(x, len(pending))
	if err != nil {
		return err
	}
	for _, id := range wanted {
		t, ok := s.chain.PendingByID(id)
		if !ok {
			continue
		}
		if err := wire.WriteFrame(x.W, []byte(t.Canonical())); err != nil {
			return err
		}
	}
	return x.W.Flush()
}

// offerIDs writes the ids of pending and the empty frame.
func offerIDs(w *bufio.Writer, pending []consensus.Payment) error {
	for some := range slices.Chunk(pending, wire.IDsInFrame) {
		frame := make([]byte, 0, wire.MaxIDs)
		for _, p := range some {
			id := p.ID()
			frame = append(frame, id[:]...)
		}
		if err := wire.WriteFrame(w, frame); err != nil {
			return err
		}
	}
	if err := wire.WriteFrame(w, nil); err != nil {
		return err
	}
	return w.Flush()
}

// readWanted reads frames of ids to the end of the stream, at most most ids in total.
func readWanted(x *stream.Exchange, most int) ([]consensus.ID, error) {
	var wanted []consensus.ID
	for {
		if err := x.Await(); err != nil {
			return nil, err
		}
		frame, err := wire.ReadFrame(x.R, wire.MaxIDs)
		if err == io.EOF {
			return wanted, nil
		}
		if err != nil {
			return nil, err
		}
		ids, err := wire.ParseIDs(frame, wire.IDsInFrame)
		if err != nil {
			return nil, err
		}
		if wanted = append(wanted, ids...); len(wanted) > most {
			return nil, wire.Violation("%d transactions wanted of %d offered", len(wanted), most)
		}
	}
}

// PullPool fetches the payments that p has pending and we have neither pending nor mined, when one of
// maxPoolPulls is free. It does nothing if a pull from p is in progress.
func (s *Syncer) PullPool(ctx context.Context, p peer.ID) error {
	if !s.startPulling(p) {
		return nil
	}
	defer s.donePulling(p)
	turn := s.pulls
	if !s.client.HasDialled(p) {
		turn = s.pullsOfOthers // many inbound peers must not delay those that we chose
	}
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	added := 0
	err := s.client.Ask(ctx, p, stream.Pool, poolWithin, func(st network.Stream) error {
		r := bufio.NewReaderSize(st, wire.FrameBuffer)
		missing, err := s.readOffer(r)
		if err != nil {
			return err
		}
		if err := sendWanted(st, missing); err != nil {
			return err
		}
		added, err = s.readPayments(r, p, missing)
		return err
	})
	if err != nil {
		s.blame(p, err)
	}
	if added > 0 {
		s.log.Info("payments from a peer's pool", "peer", p, "count", added)
	}
	return err
}

// pullAgain pulls p's pool, pullPause after the last pull. It does nothing if another call waits to do so.
func (s *Syncer) pullAgain(ctx context.Context, p peer.ID) {
	for first := true; ; first = false {
		wait := s.untilPull(p, first)
		if wait == 0 {
			_ = s.PullPool(ctx, p)
		}
		if wait <= 0 || ctx.Err() != nil {
			return
		}
		pause(ctx, wait)
	}
}

// untilPull returns how long pullAgain must wait, or a negative duration if another call waits already.
func (s *Syncer) untilPull(p peer.ID, first bool) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.contact(p)
	if first && c.pullScheduled {
		return -1
	}
	wait := max(0, pullPause-time.Since(c.lastPull))
	if c.pulling {
		wait = pullPause
	}
	c.pullScheduled = wait > 0
	return wait
}

// startPulling marks a pull from p as in progress, and returns false if one is already.
func (s *Syncer) startPulling(p peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.contact(p)
	if c.pulling {
		return false
	}
	c.pulling = true
	return true
}

// donePulling ends a pull from p.
func (s *Syncer) donePulling(p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.contact(p)
	c.pulling, c.lastPull = false, time.Now()
}

// readOffer reads the offered ids and returns those that we lack.
func (s *Syncer) readOffer(r *bufio.Reader) (missing []consensus.ID, err error) {
	offered := 0
	for {
		frame, err := wire.ReadOne(r, wire.MaxIDs)
		if err != nil || len(frame) == 0 {
			return missing, err
		}
		ids, err := wire.ParseIDs(frame, wire.IDsInFrame)
		if err != nil {
			return nil, err
		}
		if offered += len(ids); offered > chain.MaxPoolTransactions {
			return nil, wire.Violation("%d pending transactions offered, at most %d allowed", offered, chain.MaxPoolTransactions)
		}
		missing = append(missing, s.chain.Lacking(ids)...)
	}
}

// sendWanted asks for the missing payments and closes the stream for writing.
func sendWanted(st network.Stream, missing []consensus.ID) error {
	w := bufio.NewWriterSize(st, 4<<10)
	for ids := range slices.Chunk(missing, wire.IDsInFrame) {
		if err := wire.WriteFrame(w, wire.AppendIDs(nil, ids)); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return st.CloseWrite()
}

// readPayments reads the requested payments into the pool. A full pool ends it, which is not the peer's fault.
func (s *Syncer) readPayments(r *bufio.Reader, from peer.ID, missing []consensus.ID) (added int, err error) {
	wanted := make(map[consensus.ID]bool, len(missing))
	for _, id := range missing {
		wanted[id] = true
	}
	rules := s.chain.Rules()
	for {
		raw, err := wire.ReadFrame(r, rules.MaxTransactionBytes)
		if err == io.EOF {
			return added, nil
		}
		if err != nil {
			return added, err
		}
		t, err := rules.ParsePayment(raw)
		if err != nil {
			return added, err
		}
		if !wanted[t.ID()] {
			return added, wire.Violation("a transaction that was not asked for")
		}
		delete(wanted, t.ID())
		switch _, err := s.chain.Submit(t, from.String()); {
		case err == nil:
			added++
			s.onPull(t)
		case !errors.Is(err, chain.ErrKnown):
			return added, err
		}
	}
}

// poolLoop pulls the pools of the peers in toPull, and regularly the one that was not pulled for the longest
// time, to recover what gossip lost.
func (s *Syncer) poolLoop(ctx context.Context) error {
	timer := time.NewTimer(poolPause + rand.N(poolPause))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.pullWake:
			for _, p := range s.takeAll(s.toPull) {
				s.tasks.Go(func() { s.pullAgain(ctx, p) })
			}
		case <-timer.C:
			for _, p := range s.longestUnpulled() {
				s.tasks.Go(func() { _ = s.PullPool(ctx, p) })
			}
			timer.Reset(poolPause + rand.N(poolPause))
		}
	}
}

// longestUnpulled returns the peer whose last pull is longest ago, without those whose pools are being pulled;
// none if there is no other.
func (s *Syncer) longestUnpulled() []peer.ID {
	peers := s.kuaiPeers()
	s.mu.Lock()
	defer s.mu.Unlock()
	peers = slices.DeleteFunc(peers, func(p peer.ID) bool { return s.contact(p).pulling })
	if len(peers) == 0 {
		return nil
	}
	return []peer.ID{slices.MinFunc(peers, func(a, b peer.ID) int {
		return s.contact(a).lastPull.Compare(s.contact(b).lastPull)
	})}
}
