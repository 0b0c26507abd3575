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

// verdict is the one table from what the chain says to what gossip does with the message: accept passes it on, ignore
// does not, reject also counts against the sender and so needs proof.
func verdict(err error) pubsub.ValidationResult {
	var invalid *consensus.InvalidError
	switch {
	case err == nil:
		return pubsub.ValidationAccept
	case errors.As(err, &invalid):
		return pubsub.ValidationReject
	default: // known, orphan, ahead of our clock, pool full, or a fault of ours: nobody's guilt
		return pubsub.ValidationIgnore
	}
}

// Judge is what gossip does with a message from a peer, which it hands to the chain.
func (g *Gossip) Judge(ctx context.Context, from peer.ID, topic string, data []byte) pubsub.ValidationResult {
	judge := g.judgeBlock
	if topic == TxTopic(g.net) {
		judge = g.judgeTransaction
	}
	return judge(ctx, from, &pubsub.Message{Message: &pb.Message{Topic: &topic, Data: data}})
}

// judgeBlock is the validator of the block topic. It runs in pubsub's only worker: it must not wait for disk or network.
func (g *Gossip) judgeBlock(_ context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if from == g.h.ID() {
		return pubsub.ValidationAccept // our own chain's
	}
	if wire.IsAnnouncement(m.Data) {
		return g.judgeAnnouncement(from, m.Data)
	}
	if len(m.Data) > wire.MaxWhole { // ours are announced from there on
		g.refuseMessage(from, "block", fmt.Errorf("a block of at most %d bytes or an announcement was expected, %d bytes came", wire.MaxWhole, len(m.Data)))
		return pubsub.ValidationReject
	}
	b, err := g.c.Rules().ParseBlock(m.Data)
	if err != nil {
		return g.say("block", from, err)
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
		// On a secure network the balances of a side block are not checked: a peer for which it would become the tip may find it invalid.
		if !g.relayed.take(b.Header()) || !tip && g.c.Rules().IsSecure() {
			return pubsub.ValidationIgnore
		}
	}
	if errors.Is(err, chain.ErrOrphan) {
		err = fmt.Errorf("%w: block %d %s on %s", err, b.Index(), b.Hash().Short(), b.Header().Previous.Short())
	}
	return g.say("block", from, err)
}

// judgeTransaction is the validator of the transaction topic.
func (g *Gossip) judgeTransaction(_ context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if from == g.h.ID() {
		return pubsub.ValidationAccept
	}
	t, err := g.c.Rules().ParsePayment(m.Data)
	if err != nil {
		return g.say("transaction", from, err)
	}
	if _, err = g.c.Submit(t, from.String()); err == nil {
		g.s.PaymentFrom(from, t.ID())
	}
	return g.say("transaction", from, err)
}

// say turns err into a verdict, with a line in the log about what is not taken.
func (g *Gossip) say(what string, from peer.ID, err error) pubsub.ValidationResult {
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

// refuseMessage writes a line about a message that this node neither takes nor passes on.
func (g *Gossip) refuseMessage(from peer.ID, what string, err error) {
	topic := BlockTopic(g.net)
	if what == "transaction" {
		topic = TxTopic(g.net)
	}
	g.p.Refused(from, topic, what+" refused", "error", err)
}

// benign reports whether err is part of everyday life.
func benign(err error) bool {
	for _, known := range []error{chain.ErrKnown, chain.ErrOrphan, consensus.ErrFuture, chain.ErrPoolFull, chain.ErrFunds} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// refuse writes a line about something of p's that this node did not take.
func (g *Gossip) refuse(p peer.ID, name, what string, args ...any) {
	g.p.Refused(p, string(stream.ID(g.net, name)), what, args...)
}
