package lab

import (
	"bytes"
	"errors"

	"kuai/chain"
	"kuai/chain/consensus"
)

// Latencies of messages within one side, in virtual seconds. They are short beside blockTime.
const (
	minLatency = 0.02
	maxLatency = 0.2
)

// send delivers a message, if the receiver can be reached.
func (w *world) send(from, to *node, deliver func()) {
	apart := from.side != to.side
	latency := minLatency + seconds((maxLatency-minLatency)*w.dice.Float64())
	if apart && w.isCut || w.broken == "silent" {
		return
	}
	if apart {
		latency += w.delay
	}
	latency += w.late
	if w.loss > 0 {
		w.sent++
		if w.dice.Float64() < w.loss {
			w.lost++
			return
		}
	}
	w.after(latency, deliver)
}

// split puts nodes on sides that cannot reach each other.
func (w *world) split(sides ...[]*node) {
	for i, side := range sides {
		for _, n := range side {
			n.side = i
		}
	}
	w.isCut = true
}

// slow puts nodes on sides between which messages take that much longer.
func (w *world) slow(delay float64, sides ...[]*node) {
	w.split(sides...)
	w.isCut, w.delay = false, delay
}

// heal makes one side of all. Nodes that could not reach each other tell each other their tips.
func (w *world) heal() {
	if w.broken == "cut" {
		return
	}
	apart := func(a, b *node) bool { return a.side != b.side }
	var pairs [][2]*node
	for _, n := range w.nodes {
		for _, p := range n.peers {
			if apart(n, p) {
				pairs = append(pairs, [2]*node{n, p})
			}
		}
	}
	for _, n := range w.nodes {
		n.side = 0
	}
	w.isCut, w.delay = false, 0
	for _, pair := range pairs {
		w.sendTip(pair[0], pair[1])
		w.after(poolDelay, func() { w.sendPool(pair[0], pair[1]) })
	}
}

// poolDelay is after how many virtual seconds nodes that meet again exchange their pending payments: their chains come first.
const poolDelay = 2

// sendPool sends a node's pending payments to a peer.
func (w *world) sendPool(from, to *node) {
	for _, p := range from.chain.Pending() {
		w.send(from, to, func() { w.receivePayment(to, from, p) })
	}
}

// sendTip sends a node's tip to a peer, which asks for what it lacks.
func (w *world) sendTip(from, to *node) {
	tip, err := from.chain.Block(from.chain.Tip().Hash)
	if err != nil {
		w.fail(err)
		return
	}
	w.send(from, to, func() { w.receive(to, from, tip.Block) })
}

// receive adds a block that a peer sent, nil if the node has mined it, and passes it on.
func (w *world) receive(n, from *node, b *consensus.Block) {
	sender := ""
	if from != nil {
		sender = from.name
	}
	_, err := n.chain.Add(b, sender)
	switch {
	case err == nil:
		w.pass(n, from, b)
	case errors.Is(err, chain.ErrKnown):
	case errors.Is(err, chain.ErrOrphan) && from != nil:
		w.ask(n, from)
	default:
		w.fail(err)
	}
}

// pass sends a block that was new to a node to its other peers.
func (w *world) pass(n, from *node, b *consensus.Block) {
	for _, p := range n.peers {
		if p != from {
			w.send(n, p, func() { w.receive(p, n, b) })
		}
	}
	w.follow(n)
}

// ask makes a node ask a peer for the blocks that lead to the peer's tip.
func (w *world) ask(n, peer *node) {
	locator := n.chain.Locator()
	w.send(n, peer, func() {
		raws, err := blocksAfter(peer.chain, locator)
		if err != nil {
			w.fail(err)
			return
		}
		w.send(peer, n, func() { w.adopt(n, peer, raws) })
	})
}

// blocksAfter returns the active blocks above the last one that the locator has.
func blocksAfter(c *chain.Chain, locator []consensus.Hash) (raws [][]byte, err error) {
	s := c.Snapshot()
	defer s.Close()
	for raw, err := range s.Blocks(s.ForkPoint(locator)+1, s.Tip().Index+1) {
		if err != nil {
			return nil, err
		}
		raws = append(raws, bytes.Clone(raw))
	}
	return raws, nil
}

// adopt adds the blocks that a peer answered with.
func (w *world) adopt(n, from *node, raws [][]byte) {
	if len(raws) == 0 {
		return
	}
	run, _, err := w.rules.ParseBlocks(raws)
	if err != nil {
		w.fail(err)
		return
	}
	tip := n.chain.Tip().Hash
	if _, err := n.chain.AddBlocks(run, from.name); err != nil {
		w.fail(err)
		return
	}
	if all := run.All(); n.chain.Tip().Hash != tip {
		w.pass(n, from, all[len(all)-1])
	}
}

// receivePayment adds a payment that a peer sent, nil if it was made at the node, and passes it on.
func (w *world) receivePayment(n, from *node, p consensus.Payment) {
	sender := ""
	if from != nil {
		sender = from.name
	}
	_, err := n.chain.Submit(p, sender)
	switch {
	case errors.Is(err, chain.ErrKnown):
	case err != nil:
		w.fail(err)
	default:
		for _, to := range n.peers {
			if to != from {
				w.send(n, to, func() { w.receivePayment(to, n, p) })
			}
		}
	}
}

// follow notes the reorgs of a node.
func (w *world) follow(n *node) {
	events, _ := n.chain.Events(n.seen)
	for _, e := range events {
		n.seen = e.Seq
		if e.Kind == chain.EventReorg {
			n.last = append(n.last, e)
		}
	}
}

// agree reports whether all of the nodes have the same tip.
func agree(nodes []*node) bool {
	for _, n := range nodes[1:] {
		if n.chain.Tip().Hash != nodes[0].chain.Tip().Hash {
			return false
		}
	}
	return true
}

// isActive reports whether a block is on the active chain of a node.
func (w *world) isActive(n *node, b *consensus.Block) bool {
	info, err := n.chain.Block(b.Hash())
	if err != nil && !errors.Is(err, chain.ErrNotFound) {
		w.fail(err)
	}
	return err == nil && info.Active
}
