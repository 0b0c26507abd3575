package peers

import (
	"maps"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
)

// How long before a peer is disconnected, unless it leaves by itself. Closing a connection discards data that
// is not sent yet, and on TCP also data that the peer has not read.
const (
	codeDelay    = time.Second     // for the reset code of its stream to arrive
	foreignDelay = 2 * time.Second // of another network: for our identify to arrive, which tells it the reason
)

// disconnects disconnects peers, at once or after a while. Nothing else calls ClosePeer.
type disconnects struct {
	host host.Host
	wake chan struct{} // size one: something was scheduled

	mu        sync.Mutex
	scheduled map[peer.ID]scheduledClose
}

// scheduledClose says when a peer will be disconnected.
type scheduledClose struct {
	at    time.Time
	fault bool // it broke the protocol: its streams are reset unread
}

func newDisconnects(h host.Host) *disconnects {
	return &disconnects{host: h, wake: make(chan struct{}, 1), scheduled: make(map[peer.ID]scheduledClose)}
}

// close disconnects p. Only the loop of the table calls it.
func (d *disconnects) close(p peer.ID) { _ = d.host.Network().ClosePeer(p) }

// now schedules the disconnection of p at once.
func (d *disconnects) now(p peer.ID) { d.schedule(p, scheduledClose{at: time.Now()}) }

// schedule schedules the disconnection of p. The earlier of two times counts.
func (d *disconnects) schedule(p peer.ID, leaves scheduledClose) {
	d.mu.Lock()
	if known, ok := d.scheduled[p]; ok {
		leaves.fault = leaves.fault || known.fault
		if known.at.Before(leaves.at) {
			leaves.at = known.at
		}
	}
	d.scheduled[p] = leaves
	d.mu.Unlock()
	signal(d.wake)
}

// isFaulty reports whether p broke the protocol and is about to be disconnected.
func (d *disconnects) isFaulty(p peer.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.scheduled[p].fault
}

// due removes and returns the peers to disconnect at now, and returns when the next one is due, zero if there is none.
func (d *disconnects) due(now time.Time) (due []peer.ID, next time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.scheduled, func(p peer.ID, leaves scheduledClose) bool {
		if leaves.at.After(now) {
			next = earliest(next, leaves.at)
			return false
		}
		due = append(due, p)
		return true
	})
	return due, next
}

// earliest returns the earliest of the times that are set, zero if none is.
func earliest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if first.IsZero() || !t.IsZero() && t.Before(first) {
			first = t
		}
	}
	return first
}
