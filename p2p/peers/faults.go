package peers

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

// How long a peer is left alone.
const (
	refuseFirst   = 10 * time.Minute // after the first provably bad answer; doubles with each further one
	refuseMost    = 24 * time.Hour
	refuseNetwork = 10 * time.Minute // a peer of another network
	refuseParted  = 10 * time.Minute // one that the operator disconnected
	foreignEvery  = 10 * time.Minute // between two summaries of those in the log,
	foreignLines  = 8                // and of them, named one by one
	pauseFirst    = 1 * time.Second  // no sync after the first stall; doubles with each further one
	pauseMost     = 5 * time.Minute
	faultHalving  = 10 * time.Minute // half life of what score counts
	faultMemory   = 24 * time.Hour   // without a fault for so long, the next one counts as the first
	maxFaulty     = 4096             // peers remembered
)

// faults remembers what each peer did wrong: who is refused, who is paused, and the penalty that gossip's score takes.
// It calls nobody but the log, so that it may be asked from pubsub's score function and from the connection gater.
type faults struct {
	log      *slog.Logger
	refusals *refusalLog
	lines    *rate.Limiter      // at Info, about refused peers
	cuts     func(peer.ID) bool // who is cut off on purpose

	mu         sync.Mutex
	peers      map[peer.ID]*record
	foreigners foreigners
}

// record is one peer's past.
type record struct {
	protected bool      // a static peer: paused, never refused
	bad       int       // provably bad answers, sets the length of the next refusal
	stalls    int       // stalls since the last progress, sets the length of the next pause
	penalty   float64   // bad answers, halved every faultHalving
	faulted   time.Time // when it last did wrong
	faded     time.Time // when penalty was brought up to date
	refused   time.Time // no connection before
	paused    time.Time // not asked for blocks before
	parted    time.Time // disconnected by the operator: no connection before
	foreign   time.Time // of another network: not dialled before; zero if it never was
	network   string    // which one
}

// newFaults returns a clean slate.
func newFaults(log *slog.Logger) *faults {
	return &faults{
		log: log, refusals: newRefusalLog(log), lines: lineRate(refusalsOfPeer), peers: make(map[peer.ID]*record),
		cuts: func(peer.ID) bool { return false },
	}
}

// bad notes a provably bad answer: the peer is refused for 10 minutes, doubled each time, at most a day.
// A static peer is paused for as long instead. The caller disconnects.
func (f *faults) bad(p peer.ID, reason string) {
	f.mu.Lock()
	now := time.Now()
	r := f.record(p, now)
	r.fault(now)
	change := !now.Before(r.paused) || !r.protected && !now.Before(r.refused)
	wait := doubled(refuseFirst, refuseMost, r.bad)
	r.bad++
	r.penalty++
	r.paused = now.Add(wait)
	if !r.protected {
		r.refused = r.paused
	}
	level, what := slog.LevelDebug, "peer refused: it broke the protocol"
	if r.protected {
		what = "static peer not asked for blocks: it broke the protocol"
	}
	f.mu.Unlock()
	if change && f.lines.Allow() {
		level = slog.LevelInfo
	}
	f.log.Log(context.Background(), level, what, "peer", p, "reason", reason, "for", wait) //nolint:sloglint // one of two constants
}

// Stall notes that a peer did not deliver: it is not asked for blocks for a second, doubled each time, at most 5 minutes. What
// fails while it is paused was asked for before: all requests of one lost connection are one stall.
func (f *faults) Stall(p peer.ID, reason string) {
	f.mu.Lock()
	now := time.Now()
	r := f.record(p, now)
	if now.Before(r.paused) {
		f.mu.Unlock()
		return
	}
	r.fault(now)
	wait := doubled(pauseFirst, pauseMost, r.stalls)
	r.stalls++
	r.paused = now.Add(wait)
	f.mu.Unlock()
	f.log.Debug("peer did not deliver", "peer", p, "reason", reason, "paused", wait)
}

// Progressed notes that a peer delivered: its next stall counts as the first.
func (f *faults) Progressed(p peer.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.peers[p]; r != nil {
		r.stalls = 0
	}
}

// otherNetwork notes a peer of another network: for a while it is refused, or not dialled if it is a static peer.
func (f *faults) otherNetwork(p peer.ID, theirs, ours string) {
	f.mu.Lock()
	now := time.Now()
	r := f.record(p, now)
	r.faulted = now
	news := r.foreign.IsZero()
	r.foreign, r.network = now.Add(refuseNetwork), theirs
	if !r.protected && r.foreign.After(r.refused) {
		r.refused = r.foreign
	}
	say, met := f.foreigners.note(now, news)
	f.mu.Unlock()
	if met > 0 {
		f.log.Info("peers of other networks were met again", "times", met, "ours", ours)
	}
	if say {
		f.log.Info("peer is of another network", "peer", p, "theirs", theirs, "ours", ours)
	}
}

// foreigners bounds what the log says of peers of other networks: a line for each of the first few, then how often others
// came, or the same again, at most once in foreignEvery.
type foreigners struct {
	since time.Time // beginning of the period
	said  int       // lines in it
	met   int       // meetings in it that no line told of
}

// note counts one meeting. It reports whether the log names this peer, and how many were counted in the period that ended.
func (f *foreigners) note(now time.Time, news bool) (say bool, met int) {
	if now.Sub(f.since) >= foreignEvery {
		met = f.met
		*f = foreigners{since: now}
	}
	if news && f.said < foreignLines {
		f.said++
		return true, met
	}
	f.met++
	return false, met
}

// foreign returns the network that p is of and until when it is left alone, "" if it is not known to be of another network.
func (f *faults) foreign(p peer.ID) (theirs string, until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.peers[p]; r != nil && time.Now().Before(r.foreign) {
		return r.network, r.foreign
	}
	return "", time.Time{}
}

// leftAlone says in words why p is left alone, and until when; "" if it is not.
func (f *faults) leftAlone(p peer.ID) (why string, until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, r := time.Now(), f.peers[p]
	switch {
	case f.cuts(p):
		return "cut off by the lab", time.Time{}
	case r == nil:
	case now.Before(r.foreign):
		return stateForeign, r.foreign
	case !r.protected && now.Before(r.refused):
		return "refused because it broke the protocol", r.refused
	case !r.protected && now.Before(r.parted):
		return "disconnected on request", r.parted
	}
	return "", time.Time{}
}

// forgive lets p be dialled at once: the operator asks for it again.
func (f *faults) forgive(p peer.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.peers[p]; r != nil {
		r.foreign = time.Time{}
	}
}

// IsRefused reports whether connections with p are refused now. A static peer is refused only if the lab cuts it off.
func (f *faults) IsRefused(p peer.ID) bool {
	if f.cuts(p) {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.peers[p]
	now := time.Now()
	return r != nil && !r.protected && (now.Before(r.refused) || now.Before(r.parted))
}

// part keeps p away for a while, unless it becomes a static peer: the operator has disconnected it.
func (f *faults) part(p peer.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	r := f.record(p, now)
	r.faulted, r.parted = now, now.Add(refuseParted) // faulted, as records without a recent fault go first
}

// Paused reports whether p is not to be asked for blocks now.
func (f *faults) Paused(p peer.ID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.peers[p]
	return r != nil && time.Now().Before(r.paused)
}

// Score returns p's penalty for gossip's application score: 0 for a clean peer, -1 for each provably bad answer,
// halved every 10 minutes. Stalls do not count: slow is not wrong.
func (f *faults) Score(p peer.ID) float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.peers[p]
	if r == nil || r.penalty == 0 {
		return 0
	}
	r.fade(time.Now())
	return -r.penalty
}

// Protect makes p a static peer: paused where others are refused.
func (f *faults) Protect(p peer.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.record(p, time.Now())
	r.protected, r.parted = true, time.Time{}
}

// isProtected reports whether p is a static peer.
func (f *faults) isProtected(p peer.ID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.peers[p]
	return r != nil && r.protected
}

// unprotect makes p an ordinary peer again.
func (f *faults) unprotect(p peer.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.peers[p]; r != nil {
		r.protected = false
	}
}

// record returns p's record, its penalty up to date. The caller holds mu.
func (f *faults) record(p peer.ID, now time.Time) *record {
	r := f.peers[p]
	if r == nil {
		f.forget()
		r = &record{faded: now}
		f.peers[p] = r
	}
	r.fade(now)
	return r
}

// forget makes room for one more record: of a few taken at random, the one whose last fault is oldest goes. Static peers
// stay. The caller holds mu.
func (f *faults) forget() {
	if len(f.peers) < maxFaulty {
		return
	}
	var oldest peer.ID
	seen := 0
	for p, r := range f.peers {
		if r.protected {
			continue
		}
		if seen++; oldest == "" || r.faulted.Before(f.peers[oldest].faulted) {
			oldest = p
		}
		if seen == 64 {
			break
		}
	}
	delete(f.peers, oldest)
}

// fault brings the record up to date with one more fault at now: a long clean time makes it the first.
func (r *record) fault(now time.Time) {
	if now.Sub(r.faulted) > faultMemory {
		r.bad, r.stalls = 0, 0
	}
	r.faulted = now
}

// fade halves the penalty for the time that passed.
func (r *record) fade(now time.Time) {
	r.penalty *= math.Exp2(-float64(now.Sub(r.faded)) / float64(faultHalving))
	if r.penalty < 0.01 {
		r.penalty = 0
	}
	r.faded = now
}

// doubled returns first, doubled times times, at most most.
func doubled(first, most time.Duration, times int) time.Duration {
	d := first
	for ; times > 0 && d < most; times-- {
		d *= 2
	}
	return min(d, most)
}
