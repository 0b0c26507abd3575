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
	Burst   int           // requests of one peer at once after a silence
	Within  time.Duration // a stream's whole life
}

// Rates at which blocks and transactions are served, in bytes a second. A deep sync on the same machine must fit.
const (
	peerByteRate  = 128 << 20
	totalByteRate = 256 << 20
	byteBurst     = 16 << 20
	maxVisitors   = 1024             // peers remembered before idle ones are forgotten
	visitorMemory = 10 * time.Second // a peer's spent rate is remembered for this long after its last stream
)

// gate counts the streams and the requests that peers have open with us.
type gate struct {
	bytes *rate.Limiter // of all peers

	mu       sync.Mutex
	limits   map[string]Limit // by protocol name
	total    map[string]int
	visitors map[peer.ID]*visitor
}

// visitor is what one peer has open with us.
type visitor struct {
	open    map[string]int
	asks    map[string]*rate.Limiter
	bytes   *rate.Limiter
	streams int
	last    time.Time
}

func newGate() *gate {
	return &gate{
		limits:   make(map[string]Limit),
		bytes:    rate.NewLimiter(totalByteRate, byteBurst),
		total:    make(map[string]int),
		visitors: make(map[peer.ID]*visitor),
	}
}

// enter lets a stream of p in, or returns the code to reset it with. leave is called when the stream is done.
func (g *gate) enter(p peer.ID, name string) (v *visitor, code network.StreamErrorCode) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l, v := g.limits[name], g.visitor(p)
	switch {
	case !v.limiter(name, l).Allow():
		return nil, CodeRate
	case v.open[name] >= l.PerPeer || g.total[name] >= l.Total:
		return nil, CodeBusy
	}
	v.open[name]++
	v.streams++
	g.total[name]++
	return v, 0
}

// hears reports whether one more message of a kind from p is heard.
func (g *gate) hears(p peer.ID, kind string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.visitor(p).limiter(kind, g.limits[kind]).Allow()
}

// limit returns the limit of a protocol.
func (g *gate) limit(name string) Limit {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.limits[name]
}

// set changes the limit of a protocol. A rate that a peer has begun to use stays.
func (g *gate) set(name string, l Limit) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limits[name] = l
}

// leave undoes enter.
func (g *gate) leave(v *visitor, name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	v.open[name]--
	v.streams--
	v.last = time.Now()
	g.total[name]--
}

// spend waits until n more bytes may go to v. n is at most byteBurst.
func (g *gate) spend(ctx context.Context, v *visitor, n int) error {
	if err := v.bytes.WaitN(ctx, n); err != nil {
		return err
	}
	return g.bytes.WaitN(ctx, n)
}

// visitor returns p's entry. The caller holds mu.
func (g *gate) visitor(p peer.ID) *visitor {
	v := g.visitors[p]
	if v == nil {
		g.forget()
		v = &visitor{
			open:  make(map[string]int),
			asks:  make(map[string]*rate.Limiter),
			bytes: rate.NewLimiter(peerByteRate, byteBurst),
		}
		g.visitors[p] = v
	}
	v.last = time.Now()
	return v
}

// forget drops the visitors that are gone, once there are many. The caller holds mu.
func (g *gate) forget() {
	if len(g.visitors) < maxVisitors {
		return
	}
	for p, v := range g.visitors {
		if v.streams == 0 && time.Since(v.last) > visitorMemory {
			delete(g.visitors, p)
		}
	}
}

// limiter returns the rate of v's requests on a protocol.
func (v *visitor) limiter(name string, l Limit) *rate.Limiter {
	if v.asks[name] == nil {
		v.asks[name] = rate.NewLimiter(l.Rate, l.Burst)
	}
	return v.asks[name]
}
