package stream

import (
	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

// MaxRated is for how many peers a rate is kept.
const MaxRated = 1024

// Rates limits something for each of the peers that were noted last. Its user guards it.
type Rates struct {
	each  rate.Limit
	burst int
	peers *simplelru.LRU[peer.ID, *rate.Limiter]
}

// NewRates returns rates of as many events a second, and so many at once, for each peer.
func NewRates(each rate.Limit, burst int) *Rates {
	peers, err := simplelru.NewLRU[peer.ID, *rate.Limiter](MaxRated, nil)
	if err != nil {
		panic("stream: the size is greater than 0: " + err.Error())
	}
	return &Rates{each: each, burst: burst, peers: peers}
}

// Of returns p's rate.
func (r *Rates) Of(p peer.ID) *rate.Limiter {
	if l, ok := r.peers.Get(p); ok {
		return l
	}
	l := rate.NewLimiter(r.each, r.burst)
	r.peers.Add(p, l)
	return l
}

// Size is for how many peers a rate is kept now.
func (r *Rates) Size() int { return r.peers.Len() }
