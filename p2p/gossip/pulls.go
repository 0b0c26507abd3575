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
	waiting            map[wire.Announcement]*pull
	count              map[peer.ID]int // announcements of each peer in waiting that it was not asked for
	falseAnnouncements *stream.Rates
}

// pull is an announced block that waits or is being fetched.
type pull struct {
	announcers []peer.ID // in the order of their announcements, at most pullTries
	asked      int       // of announcers, the first ones
}

func newPulls() *pulls {
	return &pulls{
		queue:              make(chan wire.Announcement, maxPulls),
		waiting:            make(map[wire.Announcement]*pull),
		count:              make(map[peer.ID]int),
		falseAnnouncements: stream.NewRates(rate.Every(falseAnnouncementEvery), maxFalseAnnouncements),
	}
}

// add queues an announcement, and reports whether its block will be fetched from its sender.
func (q *pulls) add(a announced) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.waiting[a.Announcement]
	if w == nil {
		if q.count[a.from] >= maxPeerPulls || len(q.waiting) >= maxPulls {
			return false
		}
		w = &pull{}
		q.waiting[a.Announcement] = w
		q.queue <- a.Announcement
	}
	return q.join(w, a.from)
}

// addAnnouncer records one more announcer of a block in waiting.
func (q *pulls) addAnnouncer(a announced) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w := q.waiting[a.Announcement]; w != nil {
		q.join(w, a.from)
	}
}

// join makes p one of the announcers, and reports whether it is one. The caller holds mu.
func (q *pulls) join(w *pull, p peer.ID) bool {
	switch {
	case slices.Contains(w.announcers, p):
		return true
	case q.count[p] >= maxPeerPulls, len(w.announcers) >= pullTries:
		return false
	}
	w.announcers = append(w.announcers, p)
	q.count[p]++
	return true
}

// next returns the next peer to ask for a. It returns false if none is left; then a is no longer in waiting.
func (q *pulls) next(a wire.Announcement) (peer.ID, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.waiting[a]
	if w == nil || w.asked == len(w.announcers) {
		delete(q.waiting, a)
		return "", false
	}
	p := w.announcers[w.asked]
	w.asked++
	q.releaseSlot(p)
	return p, true
}

// done ends the wait for a.
func (q *pulls) done(a wire.Announcement) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w := q.waiting[a]; w != nil {
		for _, p := range w.announcers[w.asked:] {
			q.releaseSlot(p)
		}
		delete(q.waiting, a)
	}
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
