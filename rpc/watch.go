package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"kuai/chain"
	"kuai/chain/canonical"
	"kuai/p2p/addrpolicy"
)

// watchEvery is how often the server looks for registered URLs that are due, and for nodes that are not connected any more.
const watchEvery = time.Second

// watch connects the remembered kuai nodes again. Until ctx ends, it asks what is not connected what it is now: a place that was
// a kuai node's may be a Flask node's later, and the other way round.
func (s *Server) watch(ctx context.Context) {
	for _, n := range s.nodes.all() {
		if n.Kind == kindKuai {
			s.connect(n)
		}
	}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		s.askDue(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// askDue asks the registered URLs whose time has come, and whose nodes are not connected.
func (s *Server) askDue(ctx context.Context) {
	connected := s.connectedPeers()
	s.prober.renewConnected(connected)
	var wg sync.WaitGroup
	for _, n := range s.nodes.all() {
		if n.URL != "" && !(n.Kind == kindKuai && connected[n.Peer]) && s.prober.isDue(n.URL) {
			wg.Go(func() { s.askAgain(ctx, n) })
		}
	}
	wg.Wait()
}

// connectedPeers are the ids of connected peers.
func (s *Server) connectedPeers() map[string]bool {
	ids := map[string]bool{}
	for _, p := range s.network.Peers() {
		if p.Connected {
			ids[p.ID] = true
		}
	}
	return ids
}

// askAgain asks a registered URL what it is now, acts on what has changed, and returns what it is.
func (s *Server) askAgain(ctx context.Context, n neighbour) (said neighbour, f finding) {
	f = s.prober.ask(ctx, n.URL)
	if ctx.Err() != nil {
		return n, f
	}
	said, own, _ := s.judge(n, f)
	if own {
		s.leaveOut(n)
		return said, f
	}
	s.tell(said, f)
	s.applyChange(n, said)
	return said, f
}

// judge returns what n is by its answer. A node that is silent stays what it was, and so does a connected one that answers as
// something else: what stands before it may be restarting. The error says why it must not be registered.
func (s *Server) judge(n neighbour, f finding) (said neighbour, own bool, err error) {
	err = s.objection(f)
	switch {
	case f.kind == kindKuai && f.node.PeerID == s.network.ID():
		return n, true, nil
	case f.kind == kindKuai && err != nil:
		return n.become(kindUnknown, ""), false, err
	case f.kind == kindKuai:
		return n.become(kindKuai, f.node.PeerID), false, nil
	case f.kind == kindFlask:
		return n.become(kindFlask, ""), false, nil
	case errors.Is(f.err, errNoNode) && !s.connectedPeers()[n.Peer]:
		return n.become(kindUnknown, ""), false, nil
	}
	return n, false, err
}

// objection says why a URL with this answer must not be registered, nil if nothing speaks against it.
func (s *Server) objection(f finding) error {
	switch ours := s.networkID; {
	case errors.Is(f.err, addrpolicy.ErrRefused):
		return addrpolicy.ErrRefused
	case f.kind == kindKuai && f.node.Network != ours:
		return fmt.Errorf("it is of the network %s, this node of %s: start both with the same --network", canonical.Quote(f.node.Network), ours)
	}
	return nil
}

// applyChange remembers what a node has become and connects or releases it.
func (s *Server) applyChange(before, now neighbour) {
	if before.Kind == now.Kind && before.Peer == now.Peer {
		return
	}
	held, err := s.nodes.update(now)
	if err != nil {
		s.log.Error("registered nodes not saved", "node", now.Address, "err", err)
	} else if !held {
		return // deleted meanwhile
	}
	if before.Kind == kindKuai && (now.Kind != kindKuai || s.connectedPeers()[before.Peer]) {
		s.release(before)
	}
	if now.Kind != kindKuai {
		return
	}
	s.connect(now)
	if _, held := s.nodes.get(now.Address); !held { // deleted meanwhile: the network must not keep it
		s.release(now)
	}
}

// leaveOut forgets a registration that leads to this node itself.
func (s *Server) leaveOut(n neighbour) {
	gone, err := s.nodes.remove(func(o neighbour) bool { return o.Address == n.Address && o.URL == n.URL })
	if err != nil {
		s.log.Error("registered nodes not saved", "node", n.Address, "err", err)
	}
	if len(gone) == 0 {
		return
	}
	s.log.Info("registered node answers with this node's own peer id: its registration is removed", "node", n.Address)
	s.connect(n) // another node may have a copy of this one's identity: the network tells them apart
}

// connect has the network stay connected to n.
func (s *Server) connect(n neighbour) {
	if err := s.network.Connect(n.target()); err != nil {
		s.log.Warn("registered node not connected", "node", n.Address, "err", err)
	}
}

// release has the network forget the node at a URL. A peer that something else refers to stays.
func (s *Server) release(n neighbour) {
	if err := s.network.Disconnect(n.URL); err != nil && !errors.Is(err, chain.ErrNotFound) {
		s.log.Warn("registered node not disconnected", "node", n.Address, "err", err)
	}
}

// tell logs what a registered URL is, once for each change.
func (s *Server) tell(n neighbour, f finding) {
	state := s.describe(f)
	if s.prober.isNews(n.URL, topicNode, string(n.Kind)+n.Peer+state) {
		s.log.Info("registered node asked", "node", n.Address, "kind", string(n.Kind), "peer", n.Peer, "state", state)
	}
}

// describe says in words what a URL answered, to people who know only that it is not connected.
func (s *Server) describe(f finding) string {
	err := s.objection(f)
	switch {
	case err != nil:
		return err.Error()
	case f.kind == kindKuai:
		return "a kuai node answers"
	case f.kind == kindFlask:
		return "a Flask node answers: its chain is read on resolve"
	case f.status == http.StatusUnauthorized && f.chainStatus == http.StatusUnauthorized:
		return "it asks for a token: connect to its multiaddr, which it prints at its start"
	case f.status > 0 && f.chainStatus > 0:
		return fmt.Sprintf("answers %d to /node and %d to /chain: it is neither a kuai nor a Flask node", f.status, f.chainStatus)
	case f.status > 0:
		return fmt.Sprintf("answers %d to /node and nothing to /chain", f.status)
	}
	return "does not answer: " + reason(f.err)
}
