package peers

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// candidate is a peer that may be dialled.
type candidate struct {
	peer.AddrInfo
	onLAN     bool
	static    bool
	known     bool   // was connected before
	subnet    string // of its last connection; "" if not known
	connected time.Duration
}

// subnets returns the subnets that the peer may be in.
func (p candidate) subnets() []string { return subnets(p.subnet, p.Addrs) }

// mdnsOnly reports whether only multicast DNS named the peer: anyone on the local network can name any number of those.
func (p candidate) mdnsOnly() bool { return p.onLAN && !p.known }

// candidates returns the peers that are not connected, not static, and may be dialled now: neighbours first, in
// random order, then those that were connected longest, perSubnet of each subnet before all others.
func (b *book) candidates() []candidate {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.candidatesAt(time.Now())
}

// candidatesAt is candidates at now; b.mu is held.
func (b *book) candidatesAt(now time.Time) []candidate {
	counts := make(map[string]int)
	var out []candidate
	for id, e := range b.peers {
		switch {
		case !e.connectedAt.IsZero():
			addCounts(counts, subnets(e.subnet, e.addrs))
		case !e.static && len(e.addrs) > 0 && !now.Before(e.retry.next):
			info := peer.AddrInfo{ID: id, Addrs: slices.Clone(e.addrs)}
			out = append(out, candidate{AddrInfo: info, onLAN: e.onLAN, known: e.known(), subnet: e.subnet, connected: e.connected})
		}
	}
	rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	slices.SortStableFunc(out, func(x, y candidate) int {
		if x.onLAN || y.onLAN {
			return trueFirst(x.onLAN, y.onLAN)
		}
		return int(y.connected/time.Second - x.connected/time.Second)
	})
	return spread(out, counts)
}

// nextDue returns the earliest end of a wait for a dial, zero if no peer waits; b.mu is held.
func (b *book) nextDue(now time.Time) (due time.Time) {
	for _, e := range b.peers {
		if e.connectedAt.IsZero() && (e.static || len(e.addrs) > 0) && e.retry.next.After(now) {
			due = earliest(due, e.retry.next)
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
