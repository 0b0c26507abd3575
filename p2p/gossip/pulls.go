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

// Bounds of pulls.
const (
	maxPulls     = 64 // announced blocks that wait or are being fetched
	maxPeerPulls = 8  // of them, from one peer
	pullTries    = 3  // announcers of one block that are asked for it
	pullWorkers  = 2

	maxFalseAnnouncements  = 3                // announced blocks at once that a peer turns out not to hold; the next one is provably bad
	falseAnnouncementEvery = 10 * time.Minute // and one more in each
)

// pulls are the announced blocks to fetch. Each is fetched only from the peers that announced it, so a false
// announcement costs only its sender.
type pulls struct {
	queue chan wire.Announcement // keys of waiting, each once; its capacity suffices for all

	mu                 sync.Mutex
	waiting            map[wire.Announcement][]peer.ID // announcers that were not asked yet
	count              map[peer.ID]int                 // entries of each peer in waiting
	falseAnnouncements *stream.Rates
}

func newPulls() *pulls {
	return &pulls{
		queue:              make(chan wire.Announcement, maxPulls),
		waiting:            make(map[wire.Announcement][]peer.ID),
		count:              make(map[peer.ID]int),
		falseAnnouncements: stream.NewRates(rate.Every(falseAnnouncementEvery), maxFalseAnnouncements),
	}
}

// add queues an announcement, and reports whether its block will be fetched.
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

// next removes and returns the next peer to ask for a. It returns false if none is left; then a is no longer in
// waiting.
func (q *pulls) next(a wire.Announcement) (peer.ID, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	from := q.waiting[a]
	if len(from) == 0 {
		delete(q.waiting, a)
		return "", false
	}
	q.waiting[a] = from[1:]
	q.releaseSlot(from[0])
	return from[0], true
}

// done ends the wait for a.
func (q *pulls) done(a wire.Announcement) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, p := range q.waiting[a] {
		q.releaseSlot(p)
	}
	delete(q.waiting, a)
}

// releaseSlot decrements p's count. The caller holds mu.
func (q *pulls) releaseSlot(p peer.ID) {
	if q.count[p]--; q.count[p] <= 0 {
		delete(q.count, p)
	}
}

// isProvenFalse records that p does not hold a block that it announced, and reports whether that happened too
// often: a node announces only blocks that it holds, and loses them only in a crash.
func (q *pulls) isProvenFalse(p peer.ID) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.falseAnnouncements.Of(p).Allow()
}
