package peers

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"kuai/p2p/stream"
)

// Rates of lines about refusals: enough for the author of a client, without letting a hostile peer flood the log.
const (
	refusalsOfPeer = 10  // of one peer at once, and half as many each second
	refusalsOfAll  = 100 // of all peers at once, and half as many each second
)

// refusalLog logs at debug level why a request or message of a peer was refused.
type refusalLog struct {
	log *slog.Logger

	mu       sync.Mutex
	all      *rate.Limiter
	peers    *stream.Rates
	withheld int // lines since the last one that was written
}

func newRefusalLog(log *slog.Logger) *refusalLog {
	return &refusalLog{log: log, all: lineRate(refusalsOfAll), peers: stream.NewRates(refusalsOfPeer/2, refusalsOfPeer)}
}

func lineRate(burst int) *rate.Limiter { return rate.NewLimiter(rate.Limit(burst)/2, burst) }

// write logs a refusal of something of p, of that protocol or topic. The arguments say what was expected and what came.
func (l *refusalLog) write(p peer.ID, protocol, what string, args ...any) {
	if !l.log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	withheld, ok := l.admit(p)
	if !ok {
		return
	}
	args = append([]any{"peer", p, "protocol", protocol}, args...)
	if withheld > 0 {
		args = append(args, "lines_withheld", withheld)
	}
	l.log.Debug(what, args...) //nolint:sloglint // a constant at each caller: one table of lines would be far from what they are about
}

// admit reports whether a line may be written, and how many were withheld since the last one.
func (l *refusalLog) admit(p peer.ID) (withheld int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !l.peers.Of(p).AllowN(now, 1) || !l.all.AllowN(now, 1) {
		l.withheld++
		return 0, false
	}
	withheld, l.withheld = l.withheld, 0
	return withheld, true
}
