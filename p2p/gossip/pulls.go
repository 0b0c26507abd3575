package gossip

import (
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// Bounds of what is fetched for announcements.
const (
	maxPulls     = 64 // announced blocks that wait or are being fetched
	maxPeerPulls = 8  // of them, those of one peer
	pullTries    = 3  // announcers of one block that are asked for it
	pullWorkers  = 2

	maxUnheld   = 3                // announced blocks at once that a peer turns out not to hold; the next one is provably bad
	unheldEvery = 10 * time.Minute // and one more in each
)

// pulls are the announced blocks that wait to be fetched, each from those who announced it and from nobody else: what a peer
// says of others costs only itself.
type pulls struct {
	queue chan wire.Announcement // keys of waiting, each once; it has room for all

	mu      sync.Mutex
	waiting map[wire.Announcement][]peer.ID // announcers that were not asked yet
	count   map[peer.ID]int                 // places of each peer in waiting
	unheld  *stream.Rates
}

func newPulls() *pulls {
	return &pulls{
		queue:   make(chan wire.Announcement, maxPulls),
		waiting: make(map[wire.Announcement][]peer.ID),
		count:   make(map[peer.ID]int),
		unheld:  stream.NewRates(rate.Every(unheldEvery), maxUnheld),
	}
}

// add notes an announcement, and reports whether its block will be fetched.
func (q *pulls) add(a announced) bool {
	p, what := a.from, a.Announcement
	q.mu.Lock()
	defer q.mu.Unlock()
	from, known := q.waiting[what]
	switch {
	case slices.Contains(from, p):
		return true
	case q.count[p] >= maxPeerPulls, known && len(from) >= pullTries, !known && len(q.waiting) >= maxPulls:
		return false
	}
	q.waiting[what] = append(from, p)
	q.count[p]++
	if !known {
		q.queue <- what
	}
	return true
}

// next takes out the peer to ask for a next, false where none is left; then a is no longer waited for.
func (q *pulls) next(a wire.Announcement) (peer.ID, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	from := q.waiting[a]
	if len(from) == 0 {
		delete(q.waiting, a)
		return "", false
	}
	q.waiting[a] = from[1:]
	q.leave(from[0])
	return from[0], true
}

// done ends the wait for a.
func (q *pulls) done(a wire.Announcement) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, p := range q.waiting[a] {
		q.leave(p)
	}
	delete(q.waiting, a)
}

// leave gives back one of p's places. The caller holds mu.
func (q *pulls) leave(p peer.ID) {
	if q.count[p]--; q.count[p] <= 0 {
		delete(q.count, p)
	}
}

// isProvenFalse notes that p does not hold what it announced, and reports whether that came too often: a node announces what it holds,
// and loses that by a crash only.
func (q *pulls) isProvenFalse(p peer.ID) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.unheld.Of(p).Allow()
}
