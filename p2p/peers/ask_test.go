package peers

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/p2p/hosttest"
)

// place is what answers at every URL of a test, one thing after the other. The zero value is nobody.
type place struct {
	mu    sync.Mutex
	said  Answer
	err   error
	asked int
}

func (p *place) become(said Answer, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said, p.err, p.asked = said, err, 0
}

func (p *place) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *place) ask(_ context.Context, url string) (Answer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	if strings.Contains(url, "silent") || p.said.ID == "" && p.err == nil {
		return Answer{}, errNobody
	}
	return p.said, p.err
}

// nodeAnswer is what a kuai node with this id says.
func nodeAnswer(id peer.ID) Answer {
	return Answer{ID: id.String(), Addresses: []string{"/ip4/192.0.2.9/tcp/9/p2p/" + id.String()}, Network: ourNetwork, Status: 200}
}

// passes lets time pass, in which t's searches go on and all its dials fail.
func (t *Table) passes(ctx context.Context, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		dials, searches, _ := t.book.takeDue(0, time.Now(), func(peer.ID) bool { return true })
		for _, p := range dials {
			t.book.dialFailed(p.ID, errRefused)
			t.book.dialEnded(p.ID, t.book.dialOf(p.ID))
		}
		for _, r := range searches {
			t.resolve(ctx, r)
		}
	}
}

// TestARegisteredURLIsAskedAgain lets one thing after the other answer at a registered URL. Each is noticed in
// the background, when all are asked, and after a restart.
func TestARegisteredURLIsAskedAgain(t *testing.T) {
	for name, notice := range map[string]func(*testing.T, *Table){
		"in the background": func(t *testing.T, tb *Table) { tb.passes(t.Context(), 2*maxRetryURL) },
		"when asked for": func(t *testing.T, tb *Table) {
			tb.applyResult(registeredAt(t, tb, "place:5000"), tb.ask(t.Context(), "http://place:5000"))
		},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { testAskedAgain(t, notice) }) })
	}
}

func testAskedAgain(t *testing.T, notice func(*testing.T, *Table)) {
	first, second, foreign := hosttest.ID(t), hosttest.ID(t), nodeAnswer(hosttest.ID(t))
	foreign.Network = "other-1"
	dir, p := t.TempDir(), &place{}
	tb := bareTable(t, dir, p)
	if err := tb.Register(t.Context(), []string{"http://place:5000"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		said Answer
		err  error
		kind Kind
		peer peer.ID // "": none is wanted
	}{
		{what: "nobody", kind: Unknown},
		{"a kuai node", nodeAnswer(first), nil, Kuai, first},
		{"a Flask node in its place", Answer{}, errFlaskThere, Flask, ""},
		{"the kuai node again", nodeAnswer(first), nil, Kuai, first},
		{"another kuai node", nodeAnswer(second), nil, Kuai, second},
		{"nobody, for a while", Answer{}, nil, Kuai, second},
		{"something that refuses", Answer{Status: 403}, errNothingThere, Unknown, ""},
		{"a Flask node", Answer{}, errFlaskThere, Flask, ""},
		{"nobody again", Answer{}, nil, Flask, ""},
		{"a node of another network", foreign, nil, Unknown, ""},
		{"the other kuai node", nodeAnswer(second), nil, Kuai, second},
	} {
		p.become(c.said, c.err)
		for _, when := range []string{"", " after a restart"} {
			if when != "" {
				if err := tb.book.save(); err != nil {
					t.Fatal(err)
				}
				tb = bareTable(t, dir, p)
			}
			notice(t, tb)
			r, id := registeredAt(t, tb, "place:5000"), ""
			if c.peer != "" {
				id = c.peer.String()
			}
			if r.kind != c.kind || r.peer != id {
				t.Errorf("%s%s: %s of %q", c.what, when, r.kind, r.peer)
			}
			for _, other := range []peer.ID{first, second} {
				if wanted := other == c.peer && (c.said.ID != "" || when == ""); tb.book.isStatic(other) != wanted {
					t.Errorf("%s%s: its peer is dialled: %t", c.what, when, !wanted)
				}
			}
		}
	}
}

// TestADeadURLIsAskedSeldom: ever more seldom, whatever fails, and soon again once somebody says that it is there.
func TestADeadURLIsAskedSeldom(t *testing.T) {
	for name, p := range map[string]*place{
		"nobody": {}, "not a node": {err: errNothingThere}, "a Flask node": {err: errFlaskThere}, "a node that cannot be dialled": {said: nodeAnswer(hosttest.ID(t))},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tb := bareTable(t, "", p)
				asks := func(within time.Duration) int {
					before := p.count()
					tb.passes(t.Context(), within)
					return p.count() - before
				}
				register := func() {
					if err := tb.Register(t.Context(), []string{"place:5000"}); err != nil {
						t.Fatal(err)
					}
				}
				register()
				if got := asks(10 * time.Second); got < 2 || got > 9 {
					t.Errorf("asked %d times in the first 10 s", got)
				}
				asks(time.Minute)
				if got := asks(time.Hour); got < 110 || got > 241 {
					t.Errorf("asked %d times in an hour", got)
				}
				register()
				if got := asks(10 * time.Second); got < 2 || got > 9 {
					t.Errorf("asked %d times in 10 s after it was registered again", got)
				}
			})
		})
	}
}

// TestAURLIsAskedAtOnceAfterALoss of its peer, and not while that is connected.
func TestAURLIsAskedAtOnceAfterALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, p := hosttest.ID(t), hosttest.ID(t), &place{said: nodeAnswer(hosttest.ID(t))}
		p.become(nodeAnswer(first), nil)
		tb := bareTable(t, "", p)
		if err := tb.Register(t.Context(), []string{"place:5000"}); err != nil {
			t.Fatal(err)
		}
		tb.book.identified(first, nil)
		p.become(nodeAnswer(second), nil)
		if tb.passes(t.Context(), time.Hour); p.count() != 0 {
			t.Errorf("asked %d times", p.count())
		}
		tb.book.disconnected(first)
		tb.passes(t.Context(), 2*time.Second)
		if r := registeredAt(t, tb, "place:5000"); r.peer != second.String() {
			t.Errorf("it is %q still", r.peer)
		}
	})
}

// TestAConnectedNodeStays what it is while what stands before its URL is restarted.
func TestAConnectedNodeStays(t *testing.T) {
	first, p := hosttest.ID(t), &place{}
	p.become(nodeAnswer(first), nil)
	tb := bareTable(t, "", p)
	if err := tb.Register(t.Context(), []string{"place:5000"}); err != nil {
		t.Fatal(err)
	}
	r := registeredAt(t, tb, "place:5000")
	for _, up := range []bool{true, false} {
		if up {
			tb.book.identified(first, nil)
		} else {
			tb.book.disconnected(first)
		}
		p.become(Answer{Status: 502}, errNothingThere)
		tb.applyResult(r, tb.ask(t.Context(), r.url))
		if stays := r.kind == Kuai; stays != up || r.status != 502 {
			t.Errorf("connected %t: it is %s", up, r.kind)
		}
	}
}
