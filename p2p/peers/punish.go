package peers

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/p2p/stream"
)

// Punish records a provably bad answer of p and disconnects p, unless it is a static peer. The connection ends
// a little later, so that the reset code of p's stream arrives.
func (t *Table) Punish(p peer.ID, err error) {
	t.bad(p, err.Error())
	if t.IsRefused(p) {
		t.disconnects.schedule(p, scheduledClose{at: time.Now().Add(codeDelay), fault: true})
	}
}

// blame punishes p if err proves that it answered badly.
func (t *Table) blame(p peer.ID, err error) {
	if stream.IsProvable(err) {
		t.Punish(p, err)
	}
}

// Drop disconnects p at once.
func (t *Table) Drop(p peer.ID) { t.disconnects.now(p) }

// DropForeign refuses a peer of another network, and disconnects it.
func (t *Table) DropForeign(p peer.ID, theirs, ours string) {
	t.otherNetwork(p, theirs, ours)
	t.delayForeign(p)
	t.disconnects.schedule(p, scheduledClose{at: time.Now().Add(foreignDelay)})
}

// IsFaulty reports whether p broke the protocol and is about to be disconnected.
func (t *Table) IsFaulty(p peer.ID) bool { return t.disconnects.isFaulty(p) }

// Refused logs that a request or message of p, of that protocol or topic, was refused.
func (t *Table) Refused(p peer.ID, protocol, what string, args ...any) {
	t.refusals.write(p, protocol, what, args...)
}
