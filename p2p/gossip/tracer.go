package gossip

import (
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"kuai/p2p/stream"
)

// tracer counts what pubsub does, and reports peers that are new in the mesh. It does not call pubsub.
type tracer struct {
	m       counter
	refused stream.Refused
	blocks  string                // the block topic
	repeat  func(*pubsub.Message) // called with every message that arrived before
	meshed  chan<- peer.ID        // peers new in the mesh, once per connection
	told    map[peer.ID]struct{}  // peers already reported; only pubsub's loop calls Graft and OnClosedOutboundStream
}

// Graft reports a peer's first graft.
func (t *tracer) Graft(p peer.ID, _ string) {
	if _, ok := t.told[p]; ok {
		return
	}
	t.told[p] = struct{}{}
	select {
	case t.meshed <- p:
	default: // the status and pool loops will ask it later
	}
}

// OnClosedOutboundStream makes a peer's next graft its first.
func (t *tracer) OnClosedOutboundStream(p peer.ID) { delete(t.told, p) }

// DeliverMessage counts a message that was accepted and relayed.
func (t *tracer) DeliverMessage(msg *pubsub.Message) { t.count("delivered", msg) }

// DuplicateMessage counts a message that arrived before.
func (t *tracer) DuplicateMessage(msg *pubsub.Message) {
	t.count("duplicate", msg)
	t.repeat(msg)
}

// UndeliverableMessage counts a message that a slow subscriber missed.
func (t *tracer) UndeliverableMessage(msg *pubsub.Message) { t.count("undeliverable", msg) }

// RejectMessage counts a message that was not relayed. The validators have logged their own refusals.
func (t *tracer) RejectMessage(msg *pubsub.Message, reason string) {
	t.m.Rejected(reason)
	if reason != pubsub.RejectValidationFailed && reason != pubsub.RejectValidationIgnored {
		t.refused(msg.ReceivedFrom, msg.GetTopic(), "message refused", "reason", reason, "expected", "no author, sequence number, signature or key")
	}
}

// DropRPC counts an RPC that a full queue dropped.
func (t *tracer) DropRPC(*pubsub.RPC, peer.ID) { t.m.Dropped() }

func (t *tracer) count(outcome string, msg *pubsub.Message) {
	label := txLabel
	if msg.GetTopic() == t.blocks {
		label = blockLabel
	}
	t.m.Message(outcome, label)
}

// Metric labels of the topics.
const (
	blockLabel = "block"
	txLabel    = "transaction"
)

// The other methods of pubsub.RawTracer do nothing.

// OnNewOutboundStream does nothing.
func (*tracer) OnNewOutboundStream(peer.ID, protocol.ID) {}

// Join does nothing.
func (*tracer) Join(string) {}

// Leave does nothing.
func (*tracer) Leave(string) {}

// Prune does nothing.
func (*tracer) Prune(peer.ID, string) {}

// ValidateMessage does nothing.
func (*tracer) ValidateMessage(*pubsub.Message) {}

// ThrottlePeer does nothing.
func (*tracer) ThrottlePeer(peer.ID) {}

// RecvRPC does nothing.
func (*tracer) RecvRPC(*pubsub.RPC) {}

// SendRPC does nothing.
func (*tracer) SendRPC(*pubsub.RPC, peer.ID) {}

// SendRPCCompleted does nothing.
func (*tracer) SendRPCCompleted(*pubsub.RPC, peer.ID, time.Duration) {}
