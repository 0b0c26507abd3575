package chainsync

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"kuai/chain/consensus"
)

// arrivalLines is how many blocks, and how many payments, have a line of their own in a burst; the sustained
// rate is half as many each second. The others are counted in one line a second later.
const arrivalLines = 10

// arrivals logs at Info the blocks and payments that this node accepted from others. A long sync has lines of its own.
type arrivals struct {
	log  *slog.Logger
	wake chan struct{}        // size one: something was counted
	name func(peer.ID) string // what a peer calls itself, "" for no name

	mu       sync.Mutex
	blocks   arrivalCount
	payments arrivalCount
	tip      consensus.Header // of the last block counted
}

// arrivalCount counts blocks or payments without a line of their own.
type arrivalCount struct {
	lines *rate.Limiter
	more  int
}

func newArrivals(log *slog.Logger, name func(peer.ID) string) *arrivals {
	return &arrivals{
		log: log, wake: make(chan struct{}, 1), name: name,
		blocks: arrivalCount{lines: rate.NewLimiter(arrivalLines/2, arrivalLines)}, payments: arrivalCount{lines: rate.NewLimiter(arrivalLines/2, arrivalLines)},
	}
}

// block logs or counts a block from p that became the tip.
func (a *arrivals) block(h consensus.Header, p peer.ID) {
	a.mu.Lock()
	single := a.blocks.count()
	if !single {
		a.tip = h
	}
	a.mu.Unlock()
	if single {
		a.log.Info("block received", a.from(p, "index", h.Index, "hash", h.Hash.Short())...)
		return
	}
	signal(a.wake)
}

// payment logs or counts a payment from p.
func (a *arrivals) payment(id consensus.ID, p peer.ID) {
	a.mu.Lock()
	single := a.payments.count()
	a.mu.Unlock()
	if single {
		a.log.Info("payment received", a.from(p, "id", id)...)
		return
	}
	signal(a.wake)
}

// from adds the sender's peer id and name to attributes.
func (a *arrivals) from(p peer.ID, attrs ...any) []any {
	attrs = append(attrs, "peer", p)
	if name := a.name(p); name != "" {
		attrs = append(attrs, "name", name)
	}
	return attrs
}

// count reports whether the next one has a line of its own, and counts it otherwise.
func (c *arrivalCount) count() bool {
	if c.lines.Allow() {
		return true
	}
	c.more++
	return false
}

// run logs the counts, at most once a second, until ctx ends.
func (a *arrivals) run(ctx context.Context) error {
	for {
		select {
		case <-a.wake:
			pause(ctx, time.Second)
			a.flush()
		case <-ctx.Done():
			return nil
		}
	}
}

func (a *arrivals) flush() {
	a.mu.Lock()
	blocks, payments, tip := a.blocks.more, a.payments.more, a.tip
	a.blocks.more, a.payments.more = 0, 0
	a.mu.Unlock()
	if blocks > 0 {
		a.log.Info("more blocks received", "count", blocks, "index", tip.Index, "hash", tip.Hash.Short())
	}
	if payments > 0 {
		a.log.Info("more payments received", "count", payments)
	}
}

// pause waits for d or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
