package peers

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// prospect is a peer that may be dialled.
type prospect struct {
	peer.AddrInfo
	near  bool
	asked bool   // for by the operator
	known bool   // was connected before
	from  string // subnet that it was connected from; "" if that is not known
	lived time.Duration
}

// subnets names where the peer may be.
func (p prospect) subnets() []string { return subnets(p.from, p.Addrs) }

// stranger reports whether only a multicast told of the peer: anyone on the local network can name any number of those.
func (p prospect) stranger() bool { return p.near && !p.known }

// prospects lists who is not connected, was not asked for and may be dialled now: neighbours first, in random order, then the longest-lived, few of one
// subnet before all others.
func (b *book) prospects() []prospect {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all(time.Now())
}

// all is prospects at now; b.mu is held.
func (b *book) all(now time.Time) []prospect {
	crowd := make(map[string]int)
	var out []prospect
	for id, a := range b.peers {
		switch {
		case !a.since.IsZero():
			count(crowd, subnets(a.from, a.addrs))
		case !a.asked && len(a.addrs) > 0 && !now.Before(a.dials.next):
			info := peer.AddrInfo{ID: id, Addrs: slices.Clone(a.addrs)}
			out = append(out, prospect{AddrInfo: info, near: a.near, known: a.known(), from: a.from, lived: a.stayed})
		}
	}
	rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	slices.SortStableFunc(out, func(x, y prospect) int {
		if x.near || y.near {
			return trueFirst(x.near, y.near)
		}
		return int(y.lived/time.Second - x.lived/time.Second)
	})
	return spread(out, crowd)
}

// nextDue is when the next peer that is not connected may be dialled, of those that must wait; zero if none must. b.mu is held.
func (b *book) nextDue(now time.Time) (due time.Time) {
	for _, a := range b.peers {
		if a.since.IsZero() && (a.asked || len(a.addrs) > 0) && a.dials.next.After(now) {
			due = earliest(due, a.dials.next)
		}
	}
	return due
}

// trueFirst orders true before false.
func trueFirst(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return -1
	default:
		return 1
	}
}
