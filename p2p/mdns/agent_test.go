package mdns

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	testService = "_kuai-c28a9b0614e1fbdc-1._udp.local."
	overhead    = 14 + 20 + 8 // bytes of the Ethernet, IPv4 and UDP headers
	peerText    = "dnsaddr=/ip4/192.168.1.100/tcp/15000/p2p/12D3KooWFQrYC4jjt1Cm61VFwbpRg2cYyVLqDDMiWTLkFVLj3Rqq"
)

// segment is a simulated network on which everybody hears every packet, the sender as well.
type segment struct {
	t       *testing.T
	mu      sync.Mutex
	members map[*member]bool
	packets int
	bytes   int // on the wire
	queries int
	lose    func(to *member, packet []byte) bool // nil: nothing is lost
}

// member is an agent on a segment.
type member struct {
	text string
	from netip.AddrPort
	in   chan heardPacket
	stop context.CancelFunc
	done chan struct{}

	mu     sync.Mutex
	found  map[string]int // times, by text
	enough bool
}

func newSegment(t *testing.T) *segment {
	s := &segment{t: t, members: make(map[*member]bool)}
	t.Cleanup(func() {
		for _, m := range s.all() {
			s.leave(m)
		}
	})
	return s
}

func (s *segment) all() (all []*member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for m := range s.members {
		all = append(all, m)
	}
	return all
}

// join starts the agent number i.
func (s *segment) join(i int) *member {
	ctx, stop := context.WithCancel(s.t.Context())
	addr := netip.AddrFrom4([4]byte{192, 168, byte(1 + i/200), byte(1 + i%200)})
	m := &member{
		text: fmt.Sprintf("%s%d", peerText[:len(peerText)-3], 100+i), from: netip.AddrPortFrom(addr, 5353),
		in: make(chan heardPacket, 1<<16), stop: stop, done: make(chan struct{}), found: make(map[string]int),
	}
	a := &agent{
		service: testService, name: fmt.Sprintf("abcdefghijklm%d.%s", 100+i, testService),
		link: link{"eth0", []netip.Prefix{netip.PrefixFrom(addr, 16)}}, texts: []string{m.text},
		found: func(texts []string, _ netip.Addr) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.found[texts[0]]++
		},
		enough: func() bool {
			m.mu.Lock()
			defer m.mu.Unlock()
			return m.enough
		},
		send: func(packet []byte, _ bool) { s.send(m, packet) },
	}
	s.mu.Lock()
	s.members[m] = true
	s.mu.Unlock()
	go func() {
		defer close(m.done)
		a.run(ctx, m.in)
	}()
	return m
}

func (s *segment) leave(m *member) {
	m.stop()
	<-m.done
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.members, m)
}

// losing sets which packets are lost. It is asked for each packet and receiver, one at a time.
func (s *segment) losing(lose func(to *member, packet []byte) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose = lose
}

func (s *segment) send(from *member, packet []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := parse(packet, testService)
	if err != nil || len(packet) > frame {
		s.t.Errorf("a packet of %d bytes: %v", len(packet), err)
	}
	if m.asks {
		s.queries++
	}
	s.packets++
	s.bytes += len(packet) + overhead
	for to := range s.members {
		if s.lose == nil || !s.lose(to, packet) {
			to.in <- heardPacket{packet, from.from}
		}
	}
}

// knows reports how many others m found.
func (m *member) knows() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.found)
}

// times reports how often m found text.
func (m *member) times(text string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.found[text]
}

func (m *member) isContent(yes bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.enough = yes
}

// pass lets time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// measure returns what was sent in the window: with everybody on one bridge, that is what each one receives.
func (s *segment) measure(window time.Duration) (bytesPerSecond float64, queries int) {
	s.mu.Lock()
	s.bytes, s.packets, s.queries = 0, 0, 0
	s.mu.Unlock()
	pass(window)
	s.mu.Lock()
	defer s.mu.Unlock()
	return float64(s.bytes) / window.Seconds(), s.queries
}

// TestTrafficAtRest bounds what each of many nodes on one bridge receives while nothing changes, if everybody
// still looks for more peers, which costs most.
func TestTrafficAtRest(t *testing.T) {
	for _, c := range []struct{ nodes, start, rest int }{ // bytes a second: in the first minute, and in the hours after it
		{2, 200, 20}, {30, 2000, 60}, {100, 7000, 200},
	} {
		t.Run(fmt.Sprint(c.nodes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSegment(t)
				for i := range c.nodes {
					s.join(i)
				}
				rate, queries := s.measure(time.Minute)
				t.Logf("first minute: %.0f B/s, %d queries", rate, queries)
				if rate > float64(c.start) {
					t.Errorf("%.0f B/s in the first minute, want at most %d", rate, c.start)
				}
				for _, m := range s.all() {
					if m.knows() != c.nodes-1 {
						t.Errorf("a node knows %d others", m.knows())
					}
				}
				rate, queries = s.measure(time.Hour)
				t.Logf("at rest: %.1f B/s, %d queries in an hour", rate, queries)
				if rate > float64(c.rest) || queries == 0 {
					t.Errorf("%.0f B/s at rest, want at most %d; %d queries, want some", rate, c.rest, queries)
				}
			})
		})
	}
}

// TestNewcomerIsFoundAtOnce lets a node come when the others have not asked for long.
func TestNewcomerIsFoundAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSegment(t)
		for i := range 30 {
			s.join(i).isContent(true)
		}
		pass(2 * time.Hour)
		late := s.join(30)
		pass(maxDelay)
		for _, m := range s.all() {
			if n := m.times(late.text); m != late && n != 1 {
				t.Errorf("found %d times after its announcement", n)
			}
		}
		pass(maxDelay)
		if late.knows() != 30 {
			t.Errorf("the newcomer found %d of 30", late.knows())
		}
	})
}

func TestQueriesBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSegment(t)
		s.join(0)
		var got []int
		for _, after := range []int{1, 2, 4, 8, 16, 32, 64} { // the n-th query comes between 2ⁿ-1 and 1.25 × 2ⁿ-1
			s.measure(time.Duration(after-after/2) * time.Second)
			got = append(got, s.queries)
		}
		_, hours := s.measure(10 * time.Hour)
		if most := int(10 * time.Hour / maxInterval); hours > most || hours < most*3/4 {
			t.Errorf("%d queries in 10 h, want up to %d", hours, most)
		}
		if slices.Max(got) > 2 {
			t.Errorf("queries in windows that double: %v", got)
		}
	})
}

// TestBrowsingRests: a node that has enough peers does not ask, and asks again when it has fewer.
func TestBrowsingRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSegment(t)
		a, b := s.join(0), s.join(1)
		a.isContent(true)
		b.isContent(true)
		pass(time.Minute)
		if rate, queries := s.measure(10 * time.Hour); rate > 0 || queries > 0 {
			t.Errorf("%.0f B/s, %d queries while both have enough peers", rate, queries)
		}
		a.isContent(false)
		if _, queries := s.measure(enoughInterval); queries == 0 {
			t.Error("no query although there are too few peers")
		}
	})
}

// TestKnownInstancesDoNotAnswer, not even when the list of them takes several packets.
func TestKnownInstancesDoNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSegment(t)
		asker := s.join(0)
		for i := range 100 {
			s.join(1 + i).isContent(true)
		}
		pass(5 * time.Second)
		asker.isContent(true)
		pass(enoughInterval + maxInterval)
		asker.isContent(false)
		_, queries := s.measure(time.Minute)
		if queries == 0 || s.packets != 3*queries {
			t.Errorf("%d packets for %d queries, want three for each: their known answers, and nothing else", s.packets, queries)
		}
	})
}

// TestLostPackets: what one packet did not tell, another one does.
func TestLostPackets(t *testing.T) {
	const nodes, most = 30, 5 // percent of the pairs that may still miss each other; chance leaves 1 or 2
	synctest.Test(t, func(t *testing.T) {
		s := newSegment(t)
		dice := rand.New(rand.NewPCG(1, 2)) // every third by count may be the same receiver's each time
		s.losing(func(*member, []byte) bool { return dice.IntN(3) == 0 })
		for i := range nodes {
			s.join(i)
		}
		pass(time.Minute)
		missing := 0
		for m := range s.members {
			missing += nodes - 1 - m.knows()
		}
		if pairs := nodes * (nodes - 1); missing > pairs*most/100 {
			t.Errorf("after a minute %d of %d are missing", missing, pairs)
		}
		pass(time.Hour)
		for m := range s.members {
			if m.knows() != nodes-1 {
				t.Errorf("found %d of %d in an hour", m.knows(), nodes-1)
			}
		}
	})
}

// TestGoodbye: who has left is not listed as known.
func TestGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSegment(t)
		a, b := s.join(0), s.join(1)
		pass(10 * time.Second)
		s.leave(b)
		var lists [][]instance
		s.losing(func(_ *member, packet []byte) bool {
			if m, err := parse(packet, testService); err == nil && m.asks {
				lists = append(lists, m.instances)
			}
			return false
		})
		pass(maxInterval)
		s.losing(nil) // from here on lists is ours
		if len(lists) == 0 || a.knows() != 1 {
			t.Fatalf("%d queries, %d found", len(lists), a.knows())
		}
		for _, known := range lists {
			if len(known) != 1 {
				t.Errorf("known: %v, want the sender only", known)
			}
		}
	})
}

// TestSpam: a neighbour that invents instances makes us keep and pass on a bounded number of them, and answers
// stay rare.
func TestSpam(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSegment(t)
		m := s.join(0)
		evil := netip.MustParseAddrPort("192.168.9.9:5353")
		pass(10 * time.Second)
		s.measure(0)
		const seconds, each = 60, 500
		for i := range seconds * each {
			name := fmt.Sprintf("evil%d.%s", i, testService)
			packet, err := announcement(testService, name, []string{fmt.Sprint("dnsaddr=", i)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			m.in <- heardPacket{packet, evil}
			ask, err := query(testService, nil)
			if err != nil {
				t.Fatal(err)
			}
			m.in <- heardPacket{ask[0], evil}
			if i%each == 0 {
				pass(time.Second)
			}
		}
		if most := foundBurst + foundRate*(seconds+1); m.knows() > most {
			t.Errorf("passed on %d instances of %d, want at most %d", m.knows(), seconds*each, most)
		}
		if s.packets > 2*seconds+10 {
			t.Errorf("%d packets in a minute of spam", s.packets)
		}
	})
}

// TestUnchangedInstanceIsPassedOnOnce in a minute, however often it is repeated: each time is a reason to dial.
func TestUnchangedInstanceIsPassedOnOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSegment(t)
		a, b := s.join(0), s.join(1)
		pass(5 * time.Second)
		packet, err := announcement(testService, "other."+testService, []string{"dnsaddr=x"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 120 {
			a.in <- heardPacket{packet, b.from}
			pass(time.Second)
		}
		if n := a.times("dnsaddr=x"); n != 2 {
			t.Errorf("passed on %d times in two minutes", n)
		}
	})
}
