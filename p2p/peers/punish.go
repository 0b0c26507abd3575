package peers

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/p2p/stream"
)

// Punish notes a provably bad answer of p and disconnects it, unless it is a static peer. The connection ends a little later, so that
// the code that p's stream was reset with arrives.
func (t *Table) Punish(p peer.ID, err error) {
	t.bad(p, err.Error())
	if t.IsRefused(p) {
		t.ends.later(p, departure{at: time.Now().Add(codeTime), fault: true})
	}
}

// blame punishes p if err proves that it answered badly.
func (t *Table) blame(p peer.ID, err error) {
	if stream.IsProvable(err) {
		t.Punish(p, err)
	}
}

// Drop disconnects p at once.
func (t *Table) Drop(p peer.ID) { t.ends.soon(p) }

// DropForeign refuses a peer of another network, and disconnects it.
func (t *Table) DropForeign(p peer.ID, theirs, ours string) {
	t.otherNetwork(p, theirs, ours)
	t.rests(p)
	t.ends.later(p, departure{at: time.Now().Add(foreignTime)})
}

// IsFaulty reports whether p stays connected only to read why it must go.
func (t *Table) IsFaulty(p peer.ID) bool { return t.ends.isFaulty(p) }

// Refused writes a line about something of p's, of the protocol or topic with that name, that was not answered or not taken.
func (t *Table) Refused(p peer.ID, protocol, what string, args ...any) {
	t.refusals.say(p, protocol, what, args...)
}
