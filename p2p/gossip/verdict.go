package gossip

import (
	"context"
	"errors"
	"fmt"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// verdict maps an error of the chain to what gossip does with the message: accept relays it, ignore does not,
// and reject also counts against the sender, so it needs proof.
func verdict(err error) pubsub.ValidationResult {
	var invalid *consensus.InvalidError
	switch {
	case err == nil:
		return pubsub.ValidationAccept
	case errors.As(err, &invalid):
		return pubsub.ValidationReject
	default: // known, orphan, ahead of our clock, pool full, or a failure of this node: not the sender's fault
		return pubsub.ValidationIgnore
	}
}

// Judge hands a message from a peer to the chain, and returns the verdict.
func (g *Gossip) Judge(ctx context.Context, from peer.ID, topic string, data []byte) pubsub.ValidationResult {
	judge := g.judgeBlock
	if topic == TxTopic(g.net) {
		judge = g.judgeTransaction
	}
	return judge(ctx, from, &pubsub.Message{Message: &pb.Message{Topic: &topic, Data: data}})
}

// judgeBlock is the validator of the block topic. It runs in pubsub's only worker: it must not wait for disk or
// network.
func (g *Gossip) judgeBlock(_ context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if from == g.h.ID() {
		return pubsub.ValidationAccept // published by this node
	}
	if wire.IsAnnouncement(m.Data) {
		return g.judgeAnnouncement(from, m.Data)
	}
	if len(m.Data) > wire.MaxWhole { // larger blocks are announced
		g.refuseMessage(from, "block", fmt.Errorf("a block of at most %d bytes or an announcement was expected, %d bytes came", wire.MaxWhole, len(m.Data)))
		return pubsub.ValidationReject
	}
	b, err := g.c.Rules().ParseBlock(m.Data)
	if err != nil {
		return g.verdictOf("block", from, err)
	}
	return g.addBlock(from, b)
}

// addBlock hands a block that came from a peer to the chain.
func (g *Gossip) addBlock(from peer.ID, b *consensus.Block) pubsub.ValidationResult {
	tip, err := g.c.Add(b, from.String())
	switch {
	case errors.Is(err, chain.ErrOrphan):
		g.m.Orphan()
		g.orphans.Add(b.Hash(), struct{}{})
		g.s.Wake(from)
	case err == nil:
		g.m.Arrived(b)
		if tip {
			g.s.TipFrom(from, b.Header())
		}
		// On a secure network the balances of a side block are not checked: a peer for which it would become
		// the tip may find it invalid.
		if !g.relayed.take(b.Header()) || !tip && g.c.Rules().IsSecure() {
			return pubsub.ValidationIgnore
		}
	}
	if errors.Is(err, chain.ErrOrphan) {
		err = fmt.Errorf("%w: block %d %s on %s", err, b.Index(), b.Hash().Short(), b.Header().Previous.Short())
	}
	return g.verdictOf("block", from, err)
}

// judgeTransaction is the validator of the transaction topic.
func (g *Gossip) judgeTransaction(_ context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if from == g.h.ID() {
		return pubsub.ValidationAccept
	}
	t, err := g.c.Rules().ParsePayment(m.Data)
	if err != nil {
		return g.verdictOf("transaction", from, err)
	}
	if _, err = g.c.Submit(t, from.String()); err == nil {
		g.s.PaymentFrom(from, t.ID())
	}
	return g.verdictOf("transaction", from, err)
}

// verdictOf returns the verdict for err, and logs why a message is not accepted.
func (g *Gossip) verdictOf(what string, from peer.ID, err error) pubsub.ValidationResult {
	v := verdict(err)
	switch {
	case err == nil, errors.Is(err, chain.ErrKnown):
	case v == pubsub.ValidationReject || benign(err):
		g.refuseMessage(from, what, err)
	default:
		g.log.Error("message not taken", "what", what, "error", err)
	}
	return v
}

// refuseMessage logs that this node neither accepts nor relays a message.
func (g *Gossip) refuseMessage(from peer.ID, what string, err error) {
	topic := BlockTopic(g.net)
	if what == "transaction" {
		topic = TxTopic(g.net)
	}
	g.p.Refused(from, topic, what+" refused", "error", err)
}

// benign reports whether err is expected in normal operation.
func benign(err error) bool {
	for _, known := range []error{chain.ErrKnown, chain.ErrOrphan, consensus.ErrFuture, chain.ErrPoolFull, chain.ErrFunds} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// refuse logs that this node did not accept an answer of p.
func (g *Gossip) refuse(p peer.ID, name, what string, args ...any) {
	g.p.Refused(p, string(stream.ID(g.net, name)), what, args...)
}
