package stream

import (
	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

// MaxRatePeers is how many peers have a rate of their own at once.
const MaxRatePeers = 1024

// Rates has a rate limiter for each of the MaxRatePeers most recent peers. It is not safe for concurrent use.
type Rates struct {
	each  rate.Limit
	burst int
	peers *simplelru.LRU[peer.ID, *rate.Limiter]
}

// NewRates returns rates of each events a second, and burst at once, for each peer.
func NewRates(each rate.Limit, burst int) *Rates {
	peers, err := simplelru.NewLRU[peer.ID, *rate.Limiter](MaxRatePeers, nil)
	if err != nil {
		panic("stream: the size is greater than 0: " + err.Error())
	}
	return &Rates{each: each, burst: burst, peers: peers}
}

// Of returns p's rate limiter.
func (r *Rates) Of(p peer.ID) *rate.Limiter {
	if l, ok := r.peers.Get(p); ok {
		return l
	}
	l := rate.NewLimiter(r.each, r.burst)
	r.peers.Add(p, l)
	return l
}

// Size is how many peers have a rate limiter now.
func (r *Rates) Size() int { return r.peers.Len() }
