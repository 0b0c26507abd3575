package p2p

import (
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/p2p/gossip"
	"kuai/p2p/peers"
)

// Peers lists connected, static and remembered peers, the connected first.
func (n *Node) Peers() []Peer {
	list, scores := n.table.List(), n.gossip.Scores()
	out := make([]Peer, len(list))
	for i, e := range list {
		out[i] = n.described(e, scores)
	}
	return out
}

// described adds to an entry of the table the peer's status and its gossip score.
func (n *Node) described(e peers.Peer, scores map[peer.ID]float64) Peer {
	out := Peer{
		ID: e.ID, Agent: e.Agent, Address: e.Address, Direction: e.Direction, Connected: e.Connected, State: e.State, Reason: e.Reason,
		Static: e.Static, Latency: e.Latency, LastError: e.LastError, NextDial: e.NextDial,
	}
	id, err := peer.Decode(e.ID)
	if err != nil {
		return out
	}
	if !e.Connected {
		out.Name = n.sync.LastName(id)
		return out
	}
	out.Score, out.Knows = scores[id], n.table.PeersOf(id)
	if gossip.IsGraylisted(out.Score) && out.Reason == "" {
		out.Reason = "graylisted: its gossip is ignored"
		out.State = out.Reason
	}
	if s, ok := n.sync.Claim(id); ok {
		out.Name, out.Height, out.Tip, out.ClockAhead = s.Name, s.Height, s.Tip, n.sync.ClockAhead(id)
		left := n.sync.Left(id)
		out.LeftHeight, out.LeftTip, out.LeftFork, out.LeftAt = left.Height, left.Tip, left.Fork, left.At
	}
	return out
}

// RefreshPeerLists asks connected peers for theirs, each at most every 6 s, and updates Peer.Knows. It does not
// wait for the answers.
func (n *Node) RefreshPeerLists() { n.table.RefreshPeerLists() }
