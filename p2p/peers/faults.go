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

// How long a peer is refused, avoided or paused.
const (
	refuseFirst     = 10 * time.Minute // after the first provably bad answer; doubles with each further one
	maxRefuse       = 24 * time.Hour
	refuseNetwork   = 10 * time.Minute // a peer of another network
	keepAwayFor     = 10 * time.Minute // a peer that the operator disconnected
	foreignEvery    = 10 * time.Minute // between two summaries of them in the log,
	foreignLines    = 8                // and how many have a line of their own in that time
	pauseFirst      = 1 * time.Second  // no sync after the first stall; doubles with each further one
	maxPause        = 5 * time.Minute
	penaltyHalfLife = 10 * time.Minute // of the penalty that gossip's score counts
	faultMemory     = 24 * time.Hour   // after so long without a fault, the next one counts as the first
	maxFaulty       = 4096             // peers remembered
)

// faults records what each peer did wrong: which peers are refused or paused, and the penalty in gossip's score.
// It calls only the log, so pubsub's score function and the connection gater may call it.
type faults struct {
	log      *slog.Logger
	refusals *refusalLog
	lines    *rate.Limiter      // at Info, about refused peers
	isCut    func(peer.ID) bool // reports whether the lab cuts a peer off

	mu         sync.Mutex
	peers      map[peer.ID]*record
	foreignLog foreignLog
}

// record is one peer's faults.
type record struct {
	protected     bool      // a static peer: paused, never refused
	bad           int       // provably bad answers, sets the length of the next refusal
	stalls        int       // stalls since the last progress, sets the length of the next pause
	penalty       float64   // bad answers, halved every faultHalving
	lastFault     time.Time // time of the last fault
	decayedAt     time.Time // when penalty was brought up to date
	refusedUntil  time.Time // no connection before
	pausedUntil   time.Time // not asked for blocks before
	keptAwayUntil time.Time // disconnected by the operator: no connection before
	foreignUntil  time.Time // of another network: not dialled before; zero if it never was
	network       string    // which one
}

// newFaults returns faults without records.
func newFaults(log *slog.Logger) *faults {
	return &faults{
		log: log, refusals: newRefusalLog(log), lines: lineRate(refusalsOfPeer), peers: make(map[peer.ID]*record),
		isCut: func(peer.ID) bool { return false },
	}
}

// bad records a provably bad answer: the peer is refused for 10 minutes, doubled each time, at most a day.
// A static peer is paused for as long instead. The caller disconnects.
func (f *faults) bad(p peer.ID, reason string) {
	f.mu.Lock()
	now := time.Now()
	r := f.record(p, now)
	r.addFault(now)
	change := !now.Before(r.pausedUntil) || !r.protected && !now.Before(r.refusedUntil)
	wait := doubled(refuseFirst, maxRefuse, r.bad)
	r.bad++
	r.penalty++
	r.pausedUntil = now.Add(wait)
	if !r.protected {
		r.refusedUntil = r.pausedUntil
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

// Stall records that a peer did not deliver: it is not asked for blocks for a second, doubled each time, at
// most 5 minutes. Failures during a pause belong to requests from before it, so all requests of one lost
// connection are one stall.
func (f *faults) Stall(p peer.ID, reason string) {
	f.mu.Lock()
	now := time.Now()
	r := f.record(p, now)
	if now.Before(r.pausedUntil) {
		f.mu.Unlock()
		return
	}
	r.addFault(now)
	wait := doubled(pauseFirst, maxPause, r.stalls)
	r.stalls++
	r.pausedUntil = now.Add(wait)
	f.mu.Unlock()
	f.log.Debug("peer did not deliver", "peer", p, "reason", reason, "paused", wait)
}

// Progressed records that a peer delivered: its next stall counts as the first.
func (f *faults) Progressed(p peer.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.peers[p]; r != nil {
		r.stalls = 0
	}
}

// otherNetwork records that a peer is of another network: it is not dialled for a while. If it dials us, it is
// told our network each time, as it may have been restarted.
func (f *faults) otherNetwork(p peer.ID, theirs, ours string) {
	f.mu.Lock()
	now := time.Now()
	r := f.record(p, now)
	r.lastFault = now
	news := r.foreignUntil.IsZero()
	r.foreignUntil, r.network = now.Add(refuseNetwork), theirs
	say, met := f.foreignLog.note(now, news)
	f.mu.Unlock()
	if met > 0 {
		f.log.Info("peers of other networks were met again", "times", met, "ours", ours)
	}
	if say {
		f.log.Info("peer is of another network", "peer", p, "theirs", theirs, "ours", ours)
	}
}

// foreignLog bounds the log's lines about peers of other networks: one for each of the first few, then a count
// of further meetings, at most once in foreignEvery.
type foreignLog struct {
	since      time.Time // beginning of the period
	lines      int       // lines in it
	suppressed int       // meetings in it without a line
}

// note counts one meeting. It reports whether to log this peer, and how many meetings of the previous period
// had no line.
func (f *foreignLog) note(now time.Time, news bool) (say bool, met int) {
	if now.Sub(f.since) >= foreignEvery {
		met = f.suppressed
		*f = foreignLog{since: now}
	}
	if news && f.lines < foreignLines {
		f.lines++
		return true, met
	}
	f.suppressed++
	return false, met
}

// foreign returns the other network that p is of and until when p is avoided, "" if p is not known to be of
// another network.
func (f *faults) foreign(p peer.ID) (theirs string, until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.peers[p]; r != nil && time.Now().Before(r.foreignUntil) {
		return r.network, r.foreignUntil
	}
	return "", time.Time{}
}

// whyAvoided returns in words why p is not connected, and until when; "" if it may be.
func (f *faults) whyAvoided(p peer.ID) (why string, until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, r := time.Now(), f.peers[p]
	switch {
	case f.isCut(p):
		return "cut off by the lab", time.Time{}
	case r == nil:
	case now.Before(r.foreignUntil):
		return stateForeign, r.foreignUntil
	case !r.protected && now.Before(r.refusedUntil):
		return "refused because it broke the protocol", r.refusedUntil
	case !r.protected && now.Before(r.keptAwayUntil):
		return "disconnected on request", r.keptAwayUntil
	}
	return "", time.Time{}
}

// forgive lets p be dialled at once, although it was of another network.
func (f *faults) forgive(p peer.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.peers[p]; r != nil {
		r.foreignUntil = time.Time{}
	}
}

// IsRefused reports whether p is not dialled, nor kept if it dials us. A static peer is refused only if the lab
// cuts it off.
func (f *faults) IsRefused(p peer.ID) bool {
	if f.isBarred(p) {
		return true
	}
	theirs, _ := f.foreign(p)
	return theirs != "" && !f.isProtected(p)
}

// isBarred reports whether connections with p are refused now, without a word about the network.
func (f *faults) isBarred(p peer.ID) bool {
	if f.isCut(p) {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.peers[p]
	now := time.Now()
	return r != nil && !r.protected && (now.Before(r.refusedUntil) || now.Before(r.keptAwayUntil))
}

// keepAway refuses p for a while, unless it becomes a static peer: the operator has disconnected it.
func (f *faults) keepAway(p peer.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	r := f.record(p, now)
	r.lastFault, r.keptAwayUntil = now, now.Add(keepAwayFor) // with lastFault set, as records without a recent fault are deleted first
}

// Paused reports whether p is not to be asked for blocks now.
func (f *faults) Paused(p peer.ID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.peers[p]
	return r != nil && time.Now().Before(r.pausedUntil)
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
	r.decay(time.Now())
	return -r.penalty
}

// Protect makes p a static peer: it is paused when others are refused.
func (f *faults) Protect(p peer.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.record(p, time.Now())
	r.protected, r.keptAwayUntil = true, time.Time{}
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

// record returns p's record, with its penalty up to date. The caller holds mu.
func (f *faults) record(p peer.ID, now time.Time) *record {
	r := f.peers[p]
	if r == nil {
		f.forget()
		r = &record{decayedAt: now}
		f.peers[p] = r
	}
	r.decay(now)
	return r
}

// forget deletes a record if there are too many: of a few random ones, that with the oldest last fault. Records
// of static peers are kept. The caller holds mu.
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
		if seen++; oldest == "" || r.lastFault.Before(f.peers[oldest].lastFault) {
			oldest = p
		}
		if seen == 64 {
			break
		}
	}
	delete(f.peers, oldest)
}

// addFault records a fault at now. After faultMemory without one, it counts as the first.
func (r *record) addFault(now time.Time) {
	if now.Sub(r.lastFault) > faultMemory {
		r.bad, r.stalls = 0, 0
	}
	r.lastFault = now
}

// decay reduces the penalty by the time since its last update.
func (r *record) decay(now time.Time) {
	r.penalty *= math.Exp2(-float64(now.Sub(r.decayedAt)) / float64(penaltyHalfLife))
	if r.penalty < 0.01 {
		r.penalty = 0
	}
	r.decayedAt = now
}

// doubled returns first doubled the given number of times, at most most.
func doubled(first, most time.Duration, times int) time.Duration {
	d := first
	for ; times > 0 && d < most; times-- {
		d *= 2
	}
	return min(d, most)
}
