package mdns

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/time/rate"
)

// When packets are sent (RFC 6762 §5.2, §6, §7, §8.3).
const (
	minDelay       = 20 * time.Millisecond // before the first query and before an answer
	maxDelay       = 120 * time.Millisecond
	extraDelay     = 400 * time.Millisecond // in addition, while more known answers follow
	firstInterval  = time.Second            // from the first query to the second; doubled each time
	maxInterval    = 5 * time.Minute
	enoughInterval = 10 * time.Second // between two checks whether there are still enough peers
	recordInterval = time.Second      // between two of our announcements, at least
	announcements  = 2                // at start
)

// Limits of what is kept and passed on.
const (
	maxKnown    = 256 // instances
	foundRate   = 4   // instances passed on in a second
	foundBurst  = 128
	foundUpdate = time.Minute // until an unchanged instance is passed on again
)

// known is an instance of which a packet told.
type known struct {
	ttl      uint32
	until    time.Time
	texts    []string
	passedOn time.Time
}

// agent announces one instance on one link and finds others. Its methods are called by one goroutine.
type agent struct {
	service string
	name    string // the instance's, with the service behind it
	link    link
	texts   []string // nil: announce nothing
	found   func(texts []string, from netip.Addr)
	enough  func() bool
	send    func(packet []byte, ip6 bool)

	known             map[string]*known
	limit             *rate.Limiter
	queriedAt         time.Time      // when the last query was sent or heard
	queryAt           time.Time      // when to ask
	queryInterval     time.Duration  // from that query to the one after it
	announcementsLeft int            // announcements to make
	announceAt        time.Time      // when to announce; zero: not planned
	answerAt          time.Time      // when to answer; zero: nobody asks
	asker             netip.AddrPort // the only one who waits for the answer, zero if there are several
	ip6               bool           // how the answer is wanted
	announcedAt       time.Time      // when our record was sent last
}

// heardPacket is a packet from the link.
type heardPacket struct {
	data []byte
	from netip.AddrPort
}

// run sends and receives until ctx ends.
func (a *agent) run(ctx context.Context, in <-chan heardPacket) {
	a.start(time.Now())
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(time.Until(a.soonest()))
		select {
		case p := <-in:
			if m, err := parse(p.data, a.service); err == nil {
				a.heard(m, p.from, time.Now())
			}
		case <-timer.C:
			a.act(time.Now())
		case <-ctx.Done():
			a.stop()
			return
		}
	}
}

func (a *agent) start(now time.Time) {
	a.known = make(map[string]*known)
	a.limit = rate.NewLimiter(foundRate, foundBurst)
	a.queryAt, a.queryInterval = now.Add(delay()), firstInterval
	if a.texts != nil {
		a.announcementsLeft, a.announceAt = announcements, a.queryAt
	}
}

// stop sends a goodbye packet.
func (a *agent) stop() {
	if a.texts == nil || a.announcedAt.IsZero() {
		return
	}
	if packet, err := goodbye(a.service, a.name); err == nil {
		a.send(packet, a.link.only6())
	}
}

func delay() time.Duration { return minDelay + rand.N(maxDelay-minDelay) }

// soonest returns when act is due.
func (a *agent) soonest() time.Time {
	at := a.queryAt
	for _, t := range []time.Time{a.announceAt, a.answerAt} {
		if !t.IsZero() && t.Before(at) {
			at = t
		}
	}
	return at
}

// act does what is due.
func (a *agent) act(now time.Time) {
	switch {
	case due(a.answerAt, now):
		a.announce(now, a.ip6)
	case due(a.announceAt, now):
		a.announce(now, a.link.only6())
	}
	if due(a.queryAt, now) {
		a.ask(now)
	}
}

func due(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// announce sends our record, as an answer or as one of the announcements at the start.
func (a *agent) announce(now time.Time, ip6 bool) {
	if packet, err := announcement(a.service, a.name, a.texts, a.link.hosts()); err == nil {
		a.send(packet, ip6)
	}
	a.announcedAt, a.answerAt, a.announceAt = now, time.Time{}, time.Time{}
	if a.announcementsLeft = max(0, a.announcementsLeft-1); a.announcementsLeft > 0 {
		a.announceAt = now.Add(recordInterval)
	}
}

// ask sends a query unless there are enough peers. Our own name is first among the known ones: that tells our
// packets from others', and a query counts for those only who know its sender.
func (a *agent) ask(now time.Time) {
	if a.enough() {
		a.queryAt, a.queryInterval = now.Add(enoughInterval), firstInterval
		return
	}
	packets, err := query(a.service, append([]instance{{name: a.name, ttl: recordTTL}}, a.fresh(now)...))
	if err == nil {
		for _, p := range packets {
			a.send(p, a.link.only6())
		}
	}
	a.askedNow(now)
}

// askedNow plans the next query.
func (a *agent) askedNow(now time.Time) {
	a.queriedAt, a.queryAt = now, now.Add(a.queryInterval+rand.N(a.queryInterval/4))
	a.queryInterval = min(2*a.queryInterval, maxInterval)
}

// fresh returns the instances that need not answer, as at least half of their TTL remains. It forgets the expired ones.
func (a *agent) fresh(now time.Time) (list []instance) {
	for name, k := range a.known {
		left := k.until.Sub(now)
		if left <= 0 {
			delete(a.known, name)
		} else if seconds := uint32(left / time.Second); seconds > k.ttl/2 {
			list = append(list, instance{name: name, ttl: seconds})
		}
	}
	return list
}

// heard handles a packet of another instance, or our own.
func (a *agent) heard(m message, from netip.AddrPort, now time.Time) {
	if m.query {
		a.heardQuery(m, from, now)
		return
	}
	for _, i := range m.instances {
		if i.name != a.name {
			a.heardOf(i, from.Addr(), now)
		}
	}
}

func (a *agent) heardQuery(m message, from netip.AddrPort, now time.Time) {
	if m.asks && len(m.instances) > 0 && m.instances[0].name == a.name {
		return // our own, or from one that knows us
	}
	switch knows := slices.ContainsFunc(m.instances, func(i instance) bool { return i.name == a.name && i.ttl >= recordTTL/2 }); {
	case knows && from == a.asker:
		a.answerAt = time.Time{}
	case !knows && m.asks && a.texts != nil:
		a.plan(m, from, now)
	}
	half := a.queryAt.Sub(a.queriedAt) / 2
	if m.asks && !a.queriedAt.IsZero() && now.Sub(a.queriedAt) > half && a.knows(m.instances) {
		a.askedNow(now) // the answers to that query are those to ours
	}
}

// plan plans the answer to a query.
func (a *agent) plan(m message, from netip.AddrPort, now time.Time) {
	if !a.answerAt.IsZero() {
		if from != a.asker {
			a.asker = netip.AddrPort{}
		}
		return
	}
	at := now.Add(delay())
	if m.more {
		at = at.Add(extraDelay)
	}
	if soonest := a.announcedAt.Add(recordInterval); at.Before(soonest) {
		at = soonest
	}
	a.answerAt, a.asker, a.ip6 = at, from, from.Addr().Is6()
}

// knows reports whether all of list are known.
func (a *agent) knows(list []instance) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(i instance) bool { return i.name != a.name && a.known[i.name] == nil })
}

// heardOf handles the record of another instance.
func (a *agent) heardOf(i instance, from netip.Addr, now time.Time) {
	k := a.known[i.name]
	ttl := min(i.ttl, recordTTL)
	switch {
	case ttl == 0:
		delete(a.known, i.name)
		return
	case k == nil && i.texts == nil:
		return // it is not known, so it answers the next query
	case k == nil || i.texts != nil && !slices.Equal(i.texts, k.texts) || now.Sub(k.passedOn) >= foundUpdate:
		if !a.limit.AllowN(now, 1) {
			return
		}
		k = a.remember(i, k, now)
		a.found(k.texts, from)
	}
	k.ttl, k.until = ttl, now.Add(time.Duration(ttl)*time.Second)
}

// remember keeps an instance, unless there are maxKnown; old is what was known of it.
func (a *agent) remember(i instance, old *known, now time.Time) *known {
	if old == nil {
		old = &known{}
		if len(a.known) < maxKnown {
			a.known[i.name] = old
		}
	}
	if i.texts != nil {
		old.texts = i.texts
	}
	old.passedOn = now
	return old
}
