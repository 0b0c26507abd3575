package p2p

import (
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// How long a peer is left alone.
const (
	refuseFirst   = 10 * time.Minute // after the first provably bad answer; doubles with each further one
	refuseMost    = 24 * time.Hour
	refuseNetwork = 10 * time.Minute // a peer of another network
	pauseFirst    = 1 * time.Second  // no sync after the first stall; doubles with each further one
	pauseMost     = 5 * time.Minute
	faultHalving  = 10 * time.Minute // half life of what score counts
	maxFaulty     = 4096             // peers remembered
)

// faults remembers what each peer did wrong: who is refused, who is paused, and the penalty that gossip's score takes.
// It calls nobody, so that it may be asked from pubsub's score function and from the connection gater.
type faults struct {
	log *slog.Logger

	mu    sync.Mutex
	peers map[peer.ID]*record
}

// record is one peer's past.
type record struct {
	protected bool      // a static peer: paused, never refused
	bad       int       // provably bad answers, sets the length of the next refusal
	stalls    int       // stalls since the last progress, sets the length of the next pause
	penalty   float64   // bad answers, halved every faultHalving
	since     time.Time // when penalty was brought up to date
	refused   time.Time // no connection before
	paused    time.Time // no sync before
}

// newFaults returns a clean slate.
func newFaults(log *slog.Logger) *faults {
	return &faults{log: log, peers: make(map[peer.ID]*record)}
}

// bad notes a provably bad answer: the peer is refused for 10 minutes, doubled each time, at most a day.
// A static peer is paused for as long instead.
func (f *faults) bad(p peer.ID, reason string) {
	panic("soon")
}

// stall notes that a peer did not deliver: it is not asked for blocks for a second, doubled each time, at most 5 minutes.
func (f *faults) stall(p peer.ID, reason string) { panic("soon") }

// otherNetwork notes a peer of another network: it is refused for 10 minutes.
func (f *faults) otherNetwork(p peer.ID, network string) { panic("soon") }

// refused says whether connections with p are refused now. Never true for a static peer.
func (f *faults) refused(p peer.ID) bool { panic("soon") }

// paused says whether p is not to be asked for blocks now.
func (f *faults) pausedNow(p peer.ID) bool { panic("soon") }

// score returns p's penalty for gossip's application score: 0 for a clean peer, -1 for each provably bad answer,
// halved every 10 minutes. Stalls do not count: slow is not wrong.
func (f *faults) score(p peer.ID) float64 { panic("soon") }

// protect makes p a static peer: paused where others are refused.
func (f *faults) protect(p peer.ID) { panic("soon") }

// unprotect makes p an ordinary peer again.
func (f *faults) unprotect(p peer.ID) { panic("soon") }
