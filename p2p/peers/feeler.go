package peers

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Rotation: while all outbound slots are taken, one of them now and then goes to a peer that is not connected. An attacker who took all of
// them while nobody else was there would keep them otherwise. docs/decisions/008-rotation.md tells why so.
const (
	FeelerEvery = 3 * time.Minute  // to twice as long between two turns, in each of which one slot may change hands
	feelerDials = 8                // peers tried in a turn
	feelerTime  = 10 * time.Second // for such a peer to say its status
)

// untilTurn is the time until the next turn, different each time so that nodes do not march in step. It is longer than a turn takes.
func untilTurn() time.Duration { return FeelerEvery + rand.N(FeelerEvery) }

// rotate lets a peer that is not connected have an outbound slot, if all are taken.
func (t *Table) rotate(ctx context.Context) {
	if len(t.slots()) > 0 && t.outbound() >= t.want {
		t.feel(ctx)
	}
}

// feel dials peers one after the other until one says a status of our network. That one gets the slot of the outbound peer that is
// worth least, and is asked for peers.
func (t *Table) feel(ctx context.Context) {
	all := t.feelers()
	for _, p := range all[:min(len(all), feelerDials)] {
		if t.dial(ctx, p); ctx.Err() != nil {
			return
		}
		if t.h.Network().Connectedness(p.ID) != network.Connected {
			continue
		}
		pause(ctx, feelerTime)
		if t.s.HasSaid(p.ID) {
			t.replace(p.ID)
			t.learn(ctx, p.ID)
			return
		}
		t.book.failed(p.ID, errLeft)
		t.ends.soon(p.ID)
	}
}

// replace disconnects the outbound peer that is worth least for the sake of p, unless there is a free slot by now.
func (t *Table) replace(p peer.ID) {
	others := slices.DeleteFunc(t.slots(), func(s slot) bool { return s.peer == p })
	if t.outbound() <= t.want || len(others) == 0 {
		return
	}
	worst := leastWorth(others, t.want/2)
	t.log.Info("outbound peer replaced", "peer", worst, "by", p)
	t.ends.soon(worst)
}

// feelers lists whom feel may dial: at random, those of subnets without an outbound peer first, one of each subnet before the
// second of any. Every other time those that were connected before come first, so that neither a flood of hearsay nor a long
// memory of bad company keeps the others from their turn.
func (t *Table) feelers() []prospect {
	all := slices.DeleteFunc(t.book.prospects(), func(p prospect) bool { return p.ID == t.h.ID() || t.IsRefused(p.ID) })
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	all = takeTurns(all, t.crowd())
	if rand.N(2) == 0 {
		slices.SortStableFunc(all, func(a, b prospect) int { return trueFirst(a.known, b.known) })
	}
	return all
}

// crowd counts the outbound peers by subnet.
func (t *Table) crowd() map[string]int {
	crowd := make(map[string]int)
	for _, p := range t.dialled() {
		if conns := t.h.Network().ConnsToPeer(p); len(conns) > 0 {
			crowd[remoteSubnet(conns[0])]++
		}
	}
	return crowd
}

// slot is an outbound peer that may be replaced.
type slot struct {
	peer    peer.ID
	opened  time.Time // connected since
	brought time.Time // when it last brought a tip before all others; zero: never
}

// slots lists the outbound peers that may be replaced: not the static ones.
func (t *Table) slots() []slot {
	var out []slot
	for _, p := range t.dialled() {
		conns := t.h.Network().ConnsToPeer(p)
		if t.book.isAsked(p) || len(conns) == 0 {
			continue
		}
		out = append(out, slot{p, conns[0].Stat().Opened, t.s.LastBrought(p)})
	}
	return out
}

// leastWorth returns the newest peer, those apart that most recently brought a tip first, at most kept. So a newcomer that brings
// nothing is the next to go, old peers stay, and an attacker's work wins it kept slots at most.
func leastWorth(slots []slot, kept int) peer.ID {
	slots = slices.Clone(slots)
	slices.SortFunc(slots, func(a, b slot) int { return b.brought.Compare(a.brought) })
	for kept = min(kept, len(slots)-1); kept > 0 && slots[kept-1].brought.IsZero(); {
		kept--
	}
	return slices.MaxFunc(slots[kept:], func(a, b slot) int { return a.opened.Compare(b.opened) }).peer
}
