package peers

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/p2p/stream"
)

// Punish notes a provably bad answer of p and disconnects it, unless it is a static peer. The connection ends a little later, so that
// the code that p's stream was reset with arrives.
func (d *Table) Punish(p peer.ID, err error) {
	d.bad(p, err.Error())
	if d.IsRefused(p) {
		d.ends.later(p, departure{at: time.Now().Add(codeTime), fault: true})
	}
}

// blame punishes p if err proves that it answered badly.
func (d *Table) blame(p peer.ID, err error) {
	if stream.IsProvable(err) {
		d.Punish(p, err)
	}
}

// Drop disconnects p at once.
func (d *Table) Drop(p peer.ID) { _ = d.ends.now(p) }

// DropForeign refuses a peer of another network, and disconnects it.
func (d *Table) DropForeign(p peer.ID, theirs, ours string) {
	d.otherNetwork(p, theirs, ours)
	d.ends.later(p, departure{at: time.Now().Add(foreignTime)})
}

// IsFaulty reports whether p stays connected only to read why it must go.
func (d *Table) IsFaulty(p peer.ID) bool { return d.ends.isFaulty(p) }

// Refused writes a line about something of p's, of the protocol or topic with that name, that was not answered or not taken.
func (d *Table) Refused(p peer.ID, protocol, what string, args ...any) {
	d.refusals.say(p, protocol, what, args...)
}
