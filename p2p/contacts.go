package p2p

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"kuai/chain/consensus"
	"kuai/p2p/wire"
)

// spentFor is how long a claim that a sync did not bear out is not believed again.
const spentFor = 10 * time.Minute

// contact is a connected peer.
type contact struct {
	msg     wire.Status // its last status
	heard   bool        // msg is set
	greeted bool        // status and pool were asked for after connect
	asking  bool        // a status exchange that we opened is under way
	missed  int         // exchanges in a row without an answer
	busy    time.Time   // since when it answers no status but asks for patience; zero: it answers, or says nothing
	astray  bool        // its tip was on a branch that we do not know, and not ahead of us
	pulling bool        // a pull from its pool is under way
	due     bool        // another pull waits for its time
	pulled  time.Time   // when its pool was pulled last
	brought time.Time   // when it last brought a tip before all others

	spent      consensus.Hash // a claimed tip that a sync did not bear out: no sync for it
	spentUntil time.Time
}

// claim returns what p last said of itself, false where it said nothing yet.
func (s *syncer) claim(p peer.ID) (wire.Status, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.contacts[p]
	if c == nil || !c.heard {
		return wire.Status{}, false
	}
	return c.msg, true
}

// bring notes that p brought us a new tip, before all others.
func (s *syncer) bring(p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contact(p).brought = time.Now()
}

// lastBrought says when p last did so, zero where it did not since it connected.
func (s *syncer) lastBrought(p peer.ID) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.contacts[p]; c != nil {
		return c.brought
	}
	return time.Time{}
}

// contact returns p's entry. The caller holds mu.
func (s *syncer) contact(p peer.ID) *contact {
	c := s.contacts[p]
	if c == nil {
		c = &contact{}
		s.contacts[p] = c
	}
	return c
}

// somePeers returns at most n random connected peers that speak our protocols.
func (s *syncer) somePeers(n int) []peer.ID {
	peers := s.kuaiPeers()
	rand.Shuffle(len(peers), func(i, j int) { peers[i], peers[j] = peers[j], peers[i] })
	return peers[:min(n, len(peers))]
}

// kuaiPeers returns the connected peers that speak our protocols.
func (s *syncer) kuaiPeers() []peer.ID {
	var peers []peer.ID
	for _, p := range s.host.Network().Peers() {
		if s.speaks(p, statusName) {
			peers = append(peers, p)
		}
	}
	return peers
}

// speaks reports whether p lists one of our protocols. Nothing is asked of a peer that does not list it.
func (s *syncer) speaks(p peer.ID, name string) bool {
	known, err := s.host.Peerstore().SupportsProtocols(p, protocolID(s.network, name))
	return err == nil && len(known) > 0
}

// forgetGone drops the contacts that are no longer connected.
func (s *syncer) forgetGone() {
	connected := make(map[peer.ID]bool)
	for _, p := range s.host.Network().Peers() {
		connected[p] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.contacts, func(p peer.ID, _ *contact) bool { return !connected[p] })
}

// greetLoop greets the peers that are connected and those that come.
func (s *syncer) greetLoop(ctx context.Context, events <-chan any) error {
	for _, p := range s.kuaiPeers() {
		s.greet(ctx, p)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-events:
			s.meet(ctx, e)
		}
	}
}

// meet acts on a peer that came, went, or began to speak our protocols.
func (s *syncer) meet(ctx context.Context, e any) {
	switch e := e.(type) {
	case event.EvtPeerIdentificationCompleted:
		s.meetIdentified(ctx, e.Peer, e.Protocols)
	case event.EvtPeerProtocolsUpdated:
		s.meetIdentified(ctx, e.Peer, e.Added)
	case event.EvtPeerConnectednessChanged:
		if e.Connectedness != network.Connected {
			s.mu.Lock()
			delete(s.contacts, e.Peer)
			s.mu.Unlock()
		}
	}
}

// meetIdentified greets a peer that speaks our protocols, and drops one that speaks those of another network only.
func (s *syncer) meetIdentified(ctx context.Context, p peer.ID, protocols []protocol.ID) {
	if s.faults.refused(p) { // it came before it was refused, or through a door that nobody watches
		s.faults.refusals.say(p, "", "connection of a refused peer closed")
		s.dismiss(p, departure{at: time.Now().Add(foreignTime)})
		return
	}
	if slices.Contains(protocols, protocolID(s.network, statusName)) {
		s.greet(ctx, p)
	} else if theirs := foreignNetwork(protocols, s.network); theirs != "" {
		s.dropForeign(p, theirs, s.network)
	}
}

// foreignNetwork returns the network of a peer that speaks the protocols of another one and not of ours, else "".
func foreignNetwork(protocols []protocol.ID, ours string) (theirs string) {
	for _, id := range protocols {
		switch net, ok := networkOf(id); {
		case ok && net == ours:
			return ""
		case ok:
			theirs = net
		}
	}
	return theirs
}

// networkOf returns the network that a status protocol's name tells.
func networkOf(id protocol.ID) (string, bool) {
	name, ok := strings.CutPrefix(string(id), "/kuai/")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(name, "/"+statusName+"/1")
}

// greet exchanges statuses and pulls the pool, once for each time that p connects.
func (s *syncer) greet(ctx context.Context, p peer.ID) {
	s.mu.Lock()
	c := s.contact(p)
	again := c.greeted
	c.greeted = true
	s.mu.Unlock()
	if again {
		return
	}
	s.tasks.Go(func() {
		if s.exchangeStatus(ctx, p) == nil {
			_ = s.pullPool(ctx, p)
		}
	})
}
