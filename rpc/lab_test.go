package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kuai/rpc/api"
)

// fakeLab remembers its switches, and knows one lesson.
type fakeLab struct {
	api.Switches
	refuse error
	split  bool
	play   func(ctx context.Context) error
}

func newFakeLab() *fakeLab { return &fakeLab{Switches: api.Switches{Cut: []string{}}} }

func (l *fakeLab) Switch(s api.Switches) error {
	if l.refuse == nil {
		l.Switches = s
	}
	return l.refuse
}

func (l *fakeLab) Sides() api.Sides {
	s := api.Sides{Followers: []string{"12D3a"}, Other: []string{}}
	if l.split {
		s.Side, s.Teacher, s.Other = 1, "12D3t", []string{"12D3a"}
	}
	return s
}

func (l *fakeLab) Split(_ context.Context, other []string, _ time.Duration) (api.Split, error) {
	switch {
	case l.split:
		return api.Split{}, ErrSplit
	case l.refuse != nil:
		return api.Split{}, l.refuse
	case len(other) > 0 && other[0] != "12D3a":
		return api.Split{}, errors.New("nobody has agreed")
	}
	l.split = true
	return api.Split{Asked: []api.AskedNode{{ID: "12D3a", Side: 2}}, Sides: l.Sides()}, nil
}

func (l *fakeLab) Heal(context.Context) (api.Split, error) {
	l.split = false
	return api.Split{Asked: []api.AskedNode{{ID: "12D3a", Side: 2, Error: "it cannot be reached"}}, Sides: l.Sides()}, nil
}

func (l *fakeLab) Lessons() []api.Lesson {
	return []api.Lesson{{Name: "fork-race", Kind: "idea", Nodes: 4, MinNodes: 2, MaxNodes: 50}}
}

func (l *fakeLab) Play(ctx context.Context, name string, run api.LessonRun) (s api.Story, err error) {
	if name != "fork-race" {
		return s, fmt.Errorf("%w: %q", ErrNoLesson, name)
	}
	if run.Nodes > 50 {
		return s, fmt.Errorf("%w: %d nodes, want 2..50", ErrLessonOptions, run.Nodes)
	}
	if l.play != nil {
		err = l.play(ctx)
	}
	return api.Story{Lesson: name, Seed: uint64(run.Seed), Nodes: run.Nodes, Steps: []api.StoryStep{{}}}, err
}

// shownLab is fakeLab as the server sees it.
type shownLab struct{ *fakeLab }

func (l shownLab) Switches() api.Switches { return l.fakeLab.Switches }

func TestNoLab(t *testing.T) {
	n := start(t, Config{})
	for _, c := range [][3]string{{"GET", "/lab", ""}, {"PUT", "/lab/switches", `{"pause": true}`}, {"PUT", "/lab/sides", "{}"}, {"DELETE", "/lab/sides", ""}, {"POST", "/lab/lessons/fork-race", "{}"}} {
		w := n.do(c[0], c[1], c[2], "Accept: application/json")
		if w.Code != 404 || !strings.Contains(w.Body.String(), "kuai daemon --lab") {
			t.Errorf("%s %s: %d %s", c[0], c[1], w.Code, w.Body)
		}
	}
}

// TestLabIsForThisMachineOrForAToken: the right to break a node on purpose is checked as for an invitation.
func TestLabIsForThisMachineOrForAToken(t *testing.T) {
	for _, c := range []struct {
		name, from, token, header string
		status                    int
	}{
		{"this machine", "127.0.0.1:1", "", "", 200},
		{"another machine", "192.0.2.7:1", "", "", 403},
		{"another machine with the token", "192.0.2.7:1", "secret", "Bearer secret", 200},
		{"this machine without the token", "127.0.0.1:1", "secret", "", 401},
	} {
		lab := shownLab{newFakeLab()}
		n := start(t, Config{Lab: lab, Token: c.token})
		for _, try := range [][3]string{{"GET", "/lab", ""}, {"PUT", "/lab/switches", `{"pause": true}`}, {"PUT", "/lab/sides", "{}"}, {"DELETE", "/lab/sides", ""}, {"POST", "/lab/lessons/fork-race", "{}"}} {
			r := httptest.NewRequest(try[0], try[1], strings.NewReader(try[2]))
			r.Host, r.RemoteAddr = "localhost:5000", c.from
			if c.header != "" {
				r.Header.Set("Authorization", c.header)
			}
			w := httptest.NewRecorder()
			n.Handler().ServeHTTP(w, r)
			if w.Code != c.status {
				t.Errorf("%s, %s %s: %d %s", c.name, try[0], try[1], w.Code, w.Body)
			}
		}
		if lab.Pause != (c.status == 200) {
			t.Errorf("%s: pause %v", c.name, lab.Pause)
		}
	}
}

// TestSwitches sets all at once. What is left out is off, and what is refused changes nothing.
func TestSwitches(t *testing.T) {
	lab := shownLab{newFakeLab()}
	n := start(t, Config{Lab: lab})
	all := `{"clock_skew_s":-7200,"cut":["a","b"],"cut_all":true,"delay_ms":30000,"loss_percent":100,"pause":true}`
	for _, c := range []struct{ body, want string }{
		{all, all},
		{`{"clock_skew_s": 86400}`, `{"clock_skew_s":86400,"cut":[],"cut_all":false,"delay_ms":0,"loss_percent":0,"pause":false}`},
		{`{}`, `{"clock_skew_s":0,"cut":[],"cut_all":false,"delay_ms":0,"loss_percent":0,"pause":false}`},
	} {
		w := n.do("PUT", "/lab/switches", c.body)
		if w.Code != 200 || strings.TrimSpace(w.Body.String()) != c.want {
			t.Errorf("%s: %d %s", c.body, w.Code, w.Body)
		}
	}
	n.do("PUT", "/lab/switches", all)
	many := `{"cut": [` + strings.Repeat(`"a",`, maxCut) + `"a"]}`
	for _, body := range []string{`{"delay_ms": -1}`, `{"delay_ms": 30001}`, `{"delay_ms": 1.5}`, `{"loss_percent": 101}`, `{"loss_percent": "10"}`,
		`{"los": 2}`, `[]`, `"x"`, `null`, `{"clock_skew_s": 86401}`, `{"clock_skew_s": -86401}`, `{"pause": 1}`, `{"cut_all": "yes"}`, `{"cut": "all"}`, `{"cut": [1]}`, many} {
		if w := n.do("PUT", "/lab/switches", body); w.Code != 400 || !lab.Pause {
			t.Errorf("%.40s: %d %s", body, w.Code, w.Body)
		}
	}
	lab.refuse = errors.New(`"x" is not a peer id`)
	if w := n.do("PUT", "/lab/switches", `{"cut": ["x"]}`); w.Code != 400 || !strings.Contains(w.Body.String(), `"x" is not a peer id`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestPlayLesson(t *testing.T) {
	lab := shownLab{newFakeLab()}
	n := start(t, Config{Lab: lab})
	for _, c := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"fork-race", `{"seed": 7, "nodes": 5}`, 200, `"seed":7`},
		{"fork-race", `{"seed": 9007199254740991}`, 200, `"seed":9007199254740991`},
		{"fork-race", `{"seed": 9007199254740992}`, 400, "seed"},
		{"fork-race", `{"nodes": 51}`, 400, "want 2..50"},
		{"fork-race", `{"nodes": -1}`, 400, "nodes"},
		{"no-such", `{}`, 404, "GET /lab lists them"},
	} {
		w := n.do("POST", "/lab/lessons/"+c.name, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s: %d %s", c.name, c.body, w.Code, w.Body)
		}
	}
}

// TestLessonsAreBounded: two are played at once, the next one is refused, and a free place is used again.
func TestLessonsAreBounded(t *testing.T) {
	lab := shownLab{newFakeLab()}
	began, end := make(chan struct{}), make(chan struct{})
	lab.play = func(context.Context) error {
		began <- struct{}{}
		<-end
		return nil
	}
	n := start(t, Config{Lab: lab})
	done := make(chan int)
	for range maxLessons {
		go func() { done <- n.do("POST", "/lab/lessons/fork-race", "{}").Code }()
		<-began
	}
	if w := n.do("POST", "/lab/lessons/fork-race", "{}"); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("one too many: %d %s", w.Code, w.Body)
	}
	close(end)
	for range maxLessons {
		if code := <-done; code != 200 {
			t.Errorf("a lesson: %d", code)
		}
	}
	lab.play = func(context.Context) error { return context.Canceled }
	if w := n.do("POST", "/lab/lessons/fork-race", "{}"); w.Code != 503 {
		t.Errorf("interrupted: %d %s", w.Code, w.Body)
	}
}

// TestSides splits and heals, and shows what is refused.
func TestSides(t *testing.T) {
	n := start(t, Config{Lab: shownLab{newFakeLab()}})
	for _, c := range []struct {
		method, body string
		status       int
		says         string
	}{
		{"PUT", `{"seconds": 0}`, 400, "must be an integer from 1 to 3600"},
		{"PUT", `{"seconds": 3601}`, 400, "must be an integer from 1 to 3600"},
		{"PUT", `{"other": "12D3a"}`, 400, "must be a list of at most 128 peer ids"},
		{"PUT", `{"others": []}`, 400, "others"},
		{"PUT", `{"other": ["12D3z"]}`, 409, "Nothing was changed: nobody has agreed."},
		{"PUT", `{"other": ["12D3a"], "seconds": 60}`, 200, `"asked":[{"id":"12D3a","side":2}]`},
		{"PUT", `{}`, 409, "is split already"},
		{"DELETE", "", 200, `"error":"it cannot be reached"`},
		{"DELETE", "", 200, `"side":0`},
	} {
		w := n.do(c.method, "/lab/sides", c.body, "Accept: application/json")
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s %s: %d %s, want %d and %q", c.method, c.body, w.Code, w.Body, c.status, c.says)
		}
	}
}
