package rpc

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kuai/chain/chaintest"
)

// standIn is what answers at every URL of a test, one thing after the other. nil is nobody.
type standIn struct {
	mu     sync.Mutex
	h      http.Handler
	asked  []string // paths
	agents []string
}

func (p *standIn) become(h http.Handler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.h, p.asked = h, nil
}

func (p *standIn) paths() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// RoundTrip answers as the server that is there now.
func (p *standIn) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	h := p.h
	p.asked, p.agents = append(p.asked, r.URL.Path), append(p.agents, r.UserAgent())
	p.mu.Unlock()
	if h == nil || r.URL.Host == nobodyThere {
		return nil, errors.New("nobody is there")
	}
	w := httptest.NewRecorder()
	in := httptest.NewRequest(r.Method, r.URL.Path, nil)
	in.Host = "localhost:5000"
	h.ServeHTTP(w, in)
	return w.Result(), nil
}

// nobodyThere is where a standIn never answers.
const nobodyThere = "other:5000"

// answering makes everything that n asks go to p.
func (n *node) answering(p *standIn) { n.prober.out.client.Transport = p }

// kuaiNode is a node with this peer id.
func kuaiNode(t *testing.T, id string) *node {
	n := start(t, Config{})
	n.net.id = id
	return n
}

// asFlask hides what Flask's program lacks.
func asFlask(n *node) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/node" {
			refuse(w, r, noSuchPath)
			return
		}
		n.Handler().ServeHTTP(w, r)
	})
}

// foreignNode is a kuai node of another network.
func foreignNode(t *testing.T) http.Handler {
	n := startOn(t, Config{}, elsewhere(t))
	n.net.id = "12D3KooWForeign"
	return n.Handler()
}

// refusing answers everything with status.
func refusing(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

const (
	firstID  = "12D3KooWFirst"
	secondID = "12D3KooWSecond"
)

// TestARegisteredURLIsAskedAgain lets one thing after the other answer at a registered URL. Each is noticed in the background, on a
// resolve, and after a restart.
func TestARegisteredURLIsAskedAgain(t *testing.T) {
	const address, at = "place:5000", "http://place:5000"
	notices := map[string]func(*testing.T, *node){
		"in the background": func(*testing.T, *node) { time.Sleep(askLast + watchEvery) },
		"on resolve":        func(t *testing.T, n *node) { n.resolveNow(t) },
	}
	for name, notice := range notices {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first, second, flask := kuaiNode(t, firstID), kuaiNode(t, secondID), kuaiNode(t, "")
				n, p := start(t, Config{DataFile: filepath.Join(t.TempDir(), "nodes.json")}), &standIn{}
				n.answering(p)
				decode(t, n.do("POST", "/nodes/register", listOf(at)), 201)
				stop := watching(t, n)
				for _, c := range []struct {
					what string
					h    http.Handler
					kind kind
					peer string // "": not connected
				}{
					{"nobody", nil, kindUnknown, ""},
					{"a kuai node", first.Handler(), kindKuai, firstID},
					{"a Flask node in its place", asFlask(flask), kindFlask, ""},
					{"the kuai node again", first.Handler(), kindKuai, firstID},
					{"another kuai node", second.Handler(), kindKuai, secondID},
					{"nobody, for a while", nil, kindKuai, secondID},
					{"something that refuses", refusing(403), kindUnknown, ""},
					{"a Flask node", asFlask(flask), kindFlask, ""},
					{"nobody again", nil, kindFlask, ""},
					{"a node of another network", foreignNode(t), kindUnknown, ""},
					{"the other kuai node", second.Handler(), kindKuai, secondID},
				} {
					p.become(c.h)
					for _, when := range []string{"", " after a restart"} {
						if when != "" {
							stop()
							n = start(t, n.cfg)
							n.answering(p)
							stop = watching(t, n)
						}
						notice(t, n)
						synctest.Wait()
						held, _ := n.nodes.get(address)
						if kept := slices.Contains(n.net.Connected(), at); held.Kind != c.kind || held.Peer != c.peer || kept != (c.peer != "") {
							t.Errorf("%s%s: held as %+v, connected to %q", c.what, when, held, n.net.Connected())
						}
					}
				}
				stop()
			})
		})
	}
}

// watching runs n's background work until stop.
func watching(t *testing.T, n *node) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { n.watch(ctx) })
	return func() { cancel(); wg.Wait() }
}

// TestAConnectedNodeIsNotAsked, and one that was lost is asked at once.
func TestAConnectedNodeIsNotAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := start(t, Config{}), &standIn{}
		n.answering(p)
		p.become(kuaiNode(t, firstID).Handler())
		n.net.peers = []Peer{{ID: firstID, Connected: true}}
		decode(t, n.do("POST", "/nodes/register", listOf("place:5000")), 201)
		stop := watching(t, n)
		p.become(nil)
		time.Sleep(time.Hour)
		if got := p.paths(); len(got) != 0 {
			t.Errorf("asked for %q", got)
		}
		n.net.set(nil)
		p.become(kuaiNode(t, secondID).Handler())
		time.Sleep(watchEvery)
		synctest.Wait()
		if held, _ := n.nodes.get("place:5000"); held.Peer != secondID {
			t.Errorf("held as %+v", held)
		}
		stop()
	})
}

// TestANeighbourThatRefusesEverything is registered as Flask's would be, and everybody can see what it is: in the log, once for
// each change, and in GET /peers.
func TestANeighbourThatRefusesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		n, p := start(t, Config{}), &standIn{}
		n.log = slog.New(slog.NewTextHandler(&out, nil))
		n.answering(p)
		stop := watching(t, n)
		for i, c := range []struct {
			h     http.Handler
			state string
		}{
			{refusing(403), "answers 403 to /node and 403 to /chain: it is neither a kuai nor a Flask node"},
			{refusing(401), "it asks for a token: connect to its multiaddr, which it prints at its start"},
			{refusing(500), "answers 500 to /node and 500 to /chain: it is neither a kuai nor a Flask node"},
			{saying("hello"), "answers 200 to /node and 200 to /chain: it is neither a kuai nor a Flask node"},
			{nil, "does not answer: "},
			{foreignNode(t), "it is of the network "},
			{asFlask(kuaiNode(t, "")), "a Flask node answers: its chain is read on resolve"},
			{kuaiNode(t, firstID).Handler(), "a kuai node answers, but is not connected"},
		} {
			p.become(c.h)
			if i == 0 {
				want(t, n.do("POST", "/nodes/register", listOf("place:5000")), 201, `{"message":"New nodes have been added","total_nodes":["place:5000"]}`+"\n")
			}
			time.Sleep(askLast + watchEvery)
			synctest.Wait()
			if got := n.resolveNow(t); !strings.Contains(got, "Our chain is authoritative") {
				t.Errorf("%s: %s", c.state, got)
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			log := out.String()
			out.Reset()
			short, _, _ := strings.Cut(c.state, ", but")
			if strings.Count(log, "\n") != 1 || !strings.Contains(log, "level=INFO") || !strings.Contains(log, "place:5000") || !strings.Contains(log, short) {
				t.Errorf("%s: the log says\n%s", c.state, log)
			}
			listed := decode(t, n.do("GET", "/peers", ""), 200)["nodes"].([]any)[0].(map[string]any)
			next, err := time.Parse(time.RFC3339, listed["next_ask"].(string))
			if !strings.HasPrefix(listed["state"].(string), c.state) || listed["address"] != "place:5000" || listed["url"] != "http://place:5000" || err != nil || time.Until(next) > askLast {
				t.Errorf("%s: GET /peers says %v", c.state, listed)
			}
		}
		stop()
	})
}

// TestResolveReadsAKuaiNodeThatOnlyHTTPReaches, but not one that is connected: that is the network's work.
func TestResolveReadsAKuaiNodeThatOnlyHTTPReaches(t *testing.T) {
	for connected, message := range map[bool]string{false: "Our chain was replaced", true: "Our chain is authoritative"} {
		n, other := start(t, Config{}), kuaiNode(t, firstID)
		chaintest.MineOn(t, other.chain, 3)
		n.net.peers = []Peer{{ID: firstID, Connected: connected}}
		decode(t, n.do("POST", "/nodes/register", listOf(listen(t, other.Handler()))), 201)
		if got := n.resolveNow(t); !strings.Contains(got, message) {
			t.Errorf("connected %t: %.200s", connected, got)
		}
	}
}

// TestEveryRegistrationCanBeDeleted by its address, its URL in any spelling, and each id that it has or had.
func TestEveryRegistrationCanBeDeleted(t *testing.T) {
	const peerAt = "/ip4/10.0.0.7/tcp/15000/p2p/12D3KooWMulti"
	n, p := start(t, Config{DataFile: filepath.Join(t.TempDir(), "nodes.json")}), &standIn{}
	n.answering(p)
	for _, c := range []struct {
		name       string
		registered string
		was        []http.Handler // one after the other
	}{
		{"dead:5000", "http://dead:5000", []http.Handler{nil}},
		{"DEAD:5000", "http://dead:5000", []http.Handler{nil}},
		{"http://dead:5000", "dead:5000", []http.Handler{nil}},
		{"http://dead:5000/", "dead:5000", []http.Handler{nil}},
		{"http://dead:5000/chain", "dead:5000", []http.Handler{nil}},
		{"https://dead", "https://dead", []http.Handler{nil}},
		{"refuses:5000", "refuses:5000", []http.Handler{refusing(403)}},
		{firstID, "kuai:5000", []http.Handler{kuaiNode(t, firstID).Handler()}},
		{firstID, "kuai:5000", []http.Handler{kuaiNode(t, firstID).Handler(), nil}},
		{firstID, "kuai:5000", []http.Handler{kuaiNode(t, firstID).Handler(), kuaiNode(t, secondID).Handler()}},
		{secondID, "kuai:5000", []http.Handler{kuaiNode(t, firstID).Handler(), kuaiNode(t, secondID).Handler()}},
		{firstID, "kuai:5000", []http.Handler{kuaiNode(t, firstID).Handler(), asFlask(kuaiNode(t, ""))}},
		{peerAt, peerAt, []http.Handler{nil}},
		{"12D3KooWMulti", peerAt, []http.Handler{nil}},
	} {
		for i, h := range c.was {
			p.become(h)
			if i == 0 {
				decode(t, n.do("POST", "/nodes/register", listOf(c.registered, nobodyThere)), 201)
			} else {
				n.resolveNow(t)
			}
		}
		p.become(nil)
		for _, code := range []int{204, 404} {
			if w := n.do("DELETE", "/peers/"+url.PathEscape(c.name), ""); w.Code != code {
				t.Errorf("%s: DELETE %s answers %d, not %d", c.registered, c.name, w.Code, code)
			}
		}
		left := n.net.Connected()
		if got := n.nodes.addresses(); !slices.Equal(got, []string{nobodyThere}) || len(left) != 0 {
			t.Errorf("%s: after DELETE %s, %q are registered and %q connected", c.registered, c.name, got, left)
		}
		n.do("DELETE", "/peers/"+nobodyThere, "")
	}
}

// TestDeleteKnowsWhatTheNetworkHasAsked: the network meets the new node of a URL before the server has looked.
func TestDeleteKnowsWhatTheNetworkHasAsked(t *testing.T) {
	n, p := start(t, Config{}), &standIn{}
	n.answering(p)
	p.become(kuaiNode(t, firstID).Handler())
	decode(t, n.do("POST", "/nodes/register", listOf("place:5000")), 201)
	p.become(kuaiNode(t, secondID).Handler())
	n.prober.renew("http://place:5000")
	if _, err := n.prober.Resolve(t.Context(), "http://place:5000"); err != nil {
		t.Fatal(err)
	}
	if w := n.do("DELETE", "/peers/"+secondID, ""); w.Code != 204 || len(n.nodes.all()) != 0 || len(n.net.Connected()) != 0 {
		t.Errorf("%d, registered are %v, connected %q", w.Code, n.nodes.all(), n.net.Connected())
	}
}

// TestFormerIDsAreBounded, and an id that comes back is not a former one.
func TestFormerIDsAreBounded(t *testing.T) {
	n := neighbour{URL: "http://place:5000"}
	for _, id := range strings.Split("a b c d e f a f", " ") {
		n = n.become(kindKuai, id)
	}
	if n.Peer != "f" || !slices.Equal(n.Former, []string{"a", "e", "d", "c"}) {
		t.Errorf("%+v", n)
	}
	if n = n.become(kindFlask, ""); n.Peer != "" || n.Former[0] != "f" || len(n.Former) != maxFormer {
		t.Errorf("%+v", n)
	}
}

// TestRegisteredByAnotherScheme: one address is one registration, and the network asks the URL that was named last.
func TestRegisteredByAnotherScheme(t *testing.T) {
	n, p := start(t, Config{}), &standIn{}
	n.answering(p)
	p.become(kuaiNode(t, firstID).Handler())
	decode(t, n.do("POST", "/nodes/register", listOf("http://place:5000")), 201)
	decode(t, n.do("POST", "/nodes/register", listOf("https://place:5000")), 201)
	if got := n.net.Connected(); !slices.Equal(got, []string{"https://place:5000"}) || len(n.nodes.all()) != 1 {
		t.Errorf("connected to %q, registered %v", got, n.nodes.all())
	}
}
