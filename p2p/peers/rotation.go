package peers

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Rotation: while all outbound slots are taken, a peer that is not connected is probed now and then, and gets
// one of the slots. Otherwise an attacker who took all slots while no honest peer was online would keep them.
// See docs/decisions/008-rotation.md.
const (
	RotateEvery        = 3 * time.Minute  // to twice as long between two rotations of one slot
	rotateDials        = 8                // peers probed in a rotation
	rotateStatusWithin = 10 * time.Second // for a probed peer to send its status
)

// nextRotation is the time until the next rotation, random so that nodes do not rotate in step. It is longer
// than a rotation takes.
func nextRotation() time.Duration { return RotateEvery + rand.N(RotateEvery) }

// rotate gives one outbound slot to a peer that is not connected, if all slots are taken.
func (t *Table) rotate(ctx context.Context) {
	if len(t.slots()) > 0 && t.outbound() >= t.wantOutbound {
		t.probe(ctx)
	}
}

// probe dials peers one after the other until one sends a status of our network. That one gets the slot of the
// least useful outbound peer, and is asked for peers.
func (t *Table) probe(ctx context.Context) {
	all := t.probeCandidates()
	for _, p := range all[:min(len(all), rotateDials)] {
		if t.dial(ctx, p); ctx.Err() != nil {
			return
		}
		if t.h.Network().Connectedness(p.ID) != network.Connected {
			continue
		}
		pause(ctx, rotateStatusWithin)
		if t.s.HasStatus(p.ID) {
			t.replace(p.ID)
			t.exchangePeers(ctx, p.ID)
			return
		}
		t.book.dialFailed(p.ID, errNoStatus)
		t.disconnects.now(p.ID)
	}
}

// replace disconnects the least useful outbound peer in favour of p, unless a slot is free by now.
func (t *Table) replace(p peer.ID) {
	others := slices.DeleteFunc(t.slots(), func(s slot) bool { return s.peer == p })
	if t.outbound() <= t.wantOutbound || len(others) == 0 {
		return
	}
	worst := leastUseful(others, t.wantOutbound/2)
	t.log.Info("outbound peer replaced", "peer", worst, "by", p)
	t.disconnects.now(worst)
}

// probeCandidates returns the peers that probe may dial, in random order: those of subnets without an outbound
// peer first, one of each subnet before the second of any. In half of the calls peers that were connected
// before come first, so neither a flood of hearsay nor a book full of bad peers delays the others indefinitely.
func (t *Table) probeCandidates() []candidate {
	all := slices.DeleteFunc(t.book.candidates(), func(p candidate) bool { return p.ID == t.h.ID() || t.IsRefused(p.ID) })
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	all = interleaveSubnets(all, t.outboundBySubnet())
	if rand.N(2) == 0 {
		slices.SortStableFunc(all, func(a, b candidate) int { return trueFirst(a.known, b.known) })
	}
	return all
}

// outboundBySubnet counts the outbound peers by subnet.
func (t *Table) outboundBySubnet() map[string]int {
	counts := make(map[string]int)
	for _, p := range t.dialled() {
		if conns := t.h.Network().ConnsToPeer(p); len(conns) > 0 {
			counts[remoteSubnet(conns[0])]++
		}
	}
	return counts
}

// slot is an outbound peer that may be replaced.
type slot struct {
	peer       peer.ID
	opened     time.Time // start of the connection
	lastNewTip time.Time // when it was last the first to deliver a new tip; zero: never
}

// slots returns the outbound peers that may be replaced: all but the static ones.
func (t *Table) slots() []slot {
	var out []slot
	for _, p := range t.dialled() {
		conns := t.h.Network().ConnsToPeer(p)
		if t.book.isStatic(p) || len(conns) == 0 {
			continue
		}
		out = append(out, slot{p, conns[0].Stat().Opened, t.s.LastNewTip(p)})
	}
	return out
}

// leastUseful returns the newest peer except for the kept ones that were most recently first with a new tip. So
// a new peer that delivers nothing is the next to be replaced, old peers stay, and an attacker who mines blocks
// holds at most kept slots.
func leastUseful(slots []slot, kept int) peer.ID {
	slots = slices.Clone(slots)
	slices.SortFunc(slots, func(a, b slot) int { return b.lastNewTip.Compare(a.lastNewTip) })
	for kept = min(kept, len(slots)-1); kept > 0 && slots[kept-1].lastNewTip.IsZero(); {
		kept--
	}
	return slices.MaxFunc(slots[kept:], func(a, b slot) int { return a.opened.Compare(b.opened) }).peer
}
