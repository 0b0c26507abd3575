package p2p

import (
	"time"

	"golang.org/x/time/rate"

	"kuai/p2p/stream"
)

// The stream protocols, one request each.
const (
	statusName = "status"
	syncName   = "sync"
	blocksName = "blocks"
	poolName   = "pool"
	peersName  = "peers"
)

// Limits of the stream protocols, and of gossip. A sync stream may carry a range of megabytes, so few at once keep the uplink busy.
func streamLimits() map[string]stream.Limit {
	return map[string]stream.Limit{
		statusName: {PerPeer: 4, Total: 128, Rate: 10, Burst: 20, Within: 5 * time.Second},
		syncName:   {PerPeer: leadWorkers, Total: 32, Rate: 50, Burst: 100, Within: 60 * time.Second},
		blocksName: {PerPeer: 8, Total: 64, Rate: 100, Burst: 200, Within: 30 * time.Second},
		poolName:   {PerPeer: 1, Total: 16, Rate: 0.5, Burst: 5, Within: 60 * time.Second},
		peersName:  {PerPeer: 1, Total: 64, Rate: rate.Every(exchangeEvery), Burst: 1, Within: exchangeTimeout},

		heardBlocks:   {Rate: 1000, Burst: 5000},
		heardPayments: {Rate: 2000, Burst: 20_000},
	}
}

// What peers say by gossip is limited by rate only. A message costs half a kilobyte for a minute, whatever becomes of it. What a
// busy peer says beyond that is repaired by the exchanges of statuses and pools.
const (
	heardBlocks   = "gossip of blocks"
	heardPayments = "gossip of payments"
)
