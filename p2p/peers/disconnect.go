package peers

import (
	"maps"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
)

// How long a peer that is to be disconnected stays, unless it goes by itself. Closing a connection discards what is not sent yet,
// and on TCP what the peer has not read, too.
const (
	codeTime    = time.Second     // after its stream was reset: until it has the code
	foreignTime = 2 * time.Second // of another network: until it has our identify and sees the reason, too
)

// disconnects ends connections with peers, at once or after a while. Nothing else closes a peer.
type disconnects struct {
	host host.Host
	wake chan struct{} // size one: there is a new departure

	mu      sync.Mutex
	leaving map[peer.ID]departure
}

// departure is a connected peer that will be disconnected.
type departure struct {
	at    time.Time
	fault bool // it broke the protocol: its streams are reset unread
}

func newDisconnects(h host.Host) *disconnects {
	return &disconnects{host: h, wake: make(chan struct{}, 1), leaving: make(map[peer.ID]departure)}
}

// close disconnects p. The loop of the table alone calls it.
func (d *disconnects) close(p peer.ID) { _ = d.host.Network().ClosePeer(p) }

// soon disconnects p at once.
func (d *disconnects) soon(p peer.ID) { d.later(p, departure{at: time.Now()}) }

// later disconnects p after a while.
func (d *disconnects) later(p peer.ID, leaves departure) {
	d.mu.Lock()
	if known, ok := d.leaving[p]; ok {
		leaves.fault = leaves.fault || known.fault
		if known.at.Before(leaves.at) {
			leaves.at = known.at
		}
	}
	d.leaving[p] = leaves
	d.mu.Unlock()
	signal(d.wake)
}

// isFaulty reports whether p stays connected only to read why it must go.
func (d *disconnects) isFaulty(p peer.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.leaving[p].fault
}

// due takes out the peers whose time has come, and returns when the next one's comes, zero if there is none.
func (d *disconnects) due(now time.Time) (due []peer.ID, next time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.leaving, func(p peer.ID, leaves departure) bool {
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
