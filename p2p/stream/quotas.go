package stream

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

// Limit bounds what the peers may ask on one protocol.
type Limit struct {
	PerPeer int           // streams of one peer at once
	Total   int           // streams of all peers at once
	Rate    rate.Limit    // requests of one peer a second
	Burst   int           // requests of one peer at once after a pause
	Within  time.Duration // whole lifetime of a stream
}

// Rates of answers, in bytes a second. They must not slow down a deep sync on the same machine.
const (
	peerByteRate  = 128 << 20
	totalByteRate = 256 << 20
	byteBurst     = 16 << 20
	maxUsages     = 1024             // peers above which idle ones are forgotten
	usageIdle     = 10 * time.Second // a peer's usage is kept for this long after its last stream
)

// quotas counts the streams, requests and bytes of peers.
type quotas struct {
	bytes *rate.Limiter // of all peers

	mu     sync.Mutex
	limits map[string]Limit // by protocol name
	total  map[string]int
	usages map[peer.ID]*usage
}

// usage is what one peer uses.
type usage struct {
	open     map[string]int
	requests map[string]*rate.Limiter
	bytes    *rate.Limiter
	streams  int
	last     time.Time
}

func newQuotas() *quotas {
	return &quotas{
		limits: make(map[string]Limit),
		bytes:  rate.NewLimiter(totalByteRate, byteBurst),
		total:  make(map[string]int),
		usages: make(map[peer.ID]*usage),
	}
}

// acquire counts a stream of p, or returns the code to reset it with. The caller calls release when the stream ends.
func (q *quotas) acquire(p peer.ID, name string) (u *usage, code network.StreamErrorCode) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l, u := q.limits[name], q.usageOf(p)
	switch {
	case !u.limiter(name, l).Allow():
		return nil, CodeRate
	case u.open[name] >= l.PerPeer || q.total[name] >= l.Total:
		return nil, CodeBusy
	}
	u.open[name]++
	u.streams++
	q.total[name]++
	return u, 0
}

// allow reports whether one more message of a kind from p is within its rate.
func (q *quotas) allow(p peer.ID, kind string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.usageOf(p).limiter(kind, q.limits[kind]).Allow()
}

// limit returns the limit of a protocol.
func (q *quotas) limit(name string) Limit {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.limits[name]
}

// set changes the limit of a protocol. A rate that a peer has begun to use stays.
func (q *quotas) set(name string, l Limit) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.limits[name] = l
}

// release undoes enter.
func (q *quotas) release(u *usage, name string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	u.open[name]--
	u.streams--
	u.last = time.Now()
	q.total[name]--
}

// waitBytes waits until n more bytes may be sent to u's peer. n is at most byteBurst.
func (q *quotas) waitBytes(ctx context.Context, u *usage, n int) error {
	if err := u.bytes.WaitN(ctx, n); err != nil {
		return err
	}
	return q.bytes.WaitN(ctx, n)
}

// usageOf returns p's entry. The caller holds mu.
func (q *quotas) usageOf(p peer.ID) *usage {
	u := q.usages[p]
	if u == nil {
		q.dropIdle()
		u = &usage{
			open:     make(map[string]int),
			requests: make(map[string]*rate.Limiter),
			bytes:    rate.NewLimiter(peerByteRate, byteBurst),
		}
		q.usages[p] = u
	}
	u.last = time.Now()
	return u
}

// dropIdle deletes idle usages if there are many. The caller holds mu.
func (q *quotas) dropIdle() {
	if len(q.usages) < maxUsages {
		return
	}
	for p, u := range q.usages {
		if u.streams == 0 && time.Since(u.last) > usageIdle {
			delete(q.usages, p)
		}
	}
}

// limiter returns the rate limiter of u's requests of a protocol.
func (u *usage) limiter(name string, l Limit) *rate.Limiter {
	if u.requests[name] == nil {
		u.requests[name] = rate.NewLimiter(l.Rate, l.Burst)
	}
	return u.requests[name]
}
