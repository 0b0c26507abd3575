package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kuai/chain"
	"kuai/chain/canonical"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// chainJSON is what Flask would answer, built another way than the handler builds it.
func chainJSON(t *testing.T, c *chain.Chain, from, to int64) string {
	t.Helper()
	var blocks []string
	for i := from; i < to; i++ {
		held, err := c.At(i)
		if err != nil {
			t.Fatal(err)
		}
		blocks = append(blocks, string(canonical.AppendCompact(nil, held.Block.Canonical())))
	}
	return "[" + strings.Join(blocks, ",") + "]"
}

func TestChainOfOneBlockIsTheTutorials(t *testing.T) {
	n := start(t, Config{})
	w := n.do("GET", "/chain", "")
	want(t, w, 200, `{"chain":[{"index":1,"previous_hash":"1","proof":100,"timestamp":1626739200.0,"transactions":[]}],"length":1}`+"\n")
	if got := w.Header().Get("Content-Length"); got != fmt.Sprint(w.Body.Len()) {
		t.Errorf("Content-Length is %q", got)
	}
}

func TestLongChainIsStreamedWhole(t *testing.T) {
	n := start(t, Config{})
	chaintest.MineOn(t, n.chain, 3600)
	code, header, body := fetch(t, listen(t, n.Handler())+"/chain")
	if expected := `{"chain":` + chainJSON(t, n.chain, 1, 3602) + `,"length":3601}` + "\n"; code != 200 || body != expected {
		t.Errorf("%d, %d bytes; expected %d bytes", code, len(body), len(expected))
	}
	if len(body) < 2*chunkBytes || header.Get("Content-Length") != "" {
		t.Errorf("%d bytes with Content-Length %q: the test is about more than one chunk", len(body), header.Get("Content-Length"))
	}
}

func TestHeadOfTheChain(t *testing.T) {
	n := start(t, Config{})
	get, head := n.do("GET", "/chain", ""), n.do("HEAD", "/chain", "")
	if head.Header().Get("Content-Length") != get.Header().Get("Content-Length") || head.Header().Get("Etag") == "" {
		t.Errorf("HEAD of a short chain: %v", head.Header())
	}
	chaintest.MineOn(t, n.chain, 1600)
	url := listen(t, n.Handler()) + "/chain"
	res, err := http.Head(url)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/json" || res.Header.Get("Etag") == "" {
		t.Errorf("HEAD of a long chain: %d %v", res.StatusCode, res.Header)
	}
}

func TestChainIsNotSentTwice(t *testing.T) {
	n := start(t, Config{})
	tag := n.do("GET", "/chain", "").Header().Get("Etag")
	if expected := `"` + n.chain.Tip().Hash.String() + `"`; tag != expected {
		t.Errorf("Etag is %s, expected %s", tag, expected)
	}
	for _, sent := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
		w := n.do("GET", "/chain", "", "If-None-Match: "+sent)
		want(t, w, http.StatusNotModified, "")
		if w.Header().Get("Etag") != tag {
			t.Errorf("304 without its tag")
		}
	}
	chaintest.MineOn(t, n.chain, 1)
	if w := n.do("GET", "/chain", "", "If-None-Match: "+tag); w.Code != 200 {
		t.Errorf("after a new block: %d", w.Code)
	}
}

func TestPagesOfTheChain(t *testing.T) {
	n := start(t, Config{})
	chaintest.MineOn(t, n.chain, 9)
	for query, page := range map[string][2]int64{
		"": {1, 11}, "?from=1&limit=10": {1, 11}, "?from=4": {4, 11}, "?limit=3": {1, 4}, "?from=4&limit=3": {4, 7}, "?from=10&limit=5": {10, 11},
		"?from=11": {11, 11}, "?from=9223372036854775807&limit=9223372036854775807": {11, 11}, "?other=1": {1, 11}, "?limit=99999999999999999999": {1, 11},
	} {
		w := n.do("GET", "/chain"+query, "")
		want(t, w, 200, `{"chain":`+chainJSON(t, n.chain, page[0], page[1])+`,"length":10}`+"\n")
	}
	for _, query := range []string{"?from=0", "?from=-1", "?from=x", "?limit=0", "?limit=1.5", "?limit=-99999999999999999999"} {
		if w := n.do("GET", "/chain"+query, ""); w.Code != 400 {
			t.Errorf("%s: %d", query, w.Code)
		}
	}
	for _, path := range []string{"/chain", "/blocks", "/peers", "/forks", "/transactions/pending", "/addresses/bob"} {
		for _, query := range []string{"?limit=%zz", "?from=1;limit=3", "?other=%"} {
			if w := n.do("GET", path+query, ""); w.Code != 400 || !strings.Contains(w.Body.String(), "query") {
				t.Errorf("%s%s: %d %s", path, query, w.Code, w.Body)
			}
		}
	}
}

// longAnswers are the requests whose answers hold much memory while they are sent.
var longAnswers = []string{"/chain", "/nodes/resolve", "/blocks", "/blocks/latest", "/addresses/alice", "/transactions/pending"}

func TestTooManyLongAnswersAreTurnedAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, Config{})
		for range maxLong {
			n.long <- struct{}{}
		}
		for _, path := range longAnswers {
			begin := time.Now()
			if w := n.do("GET", path, ""); w.Code != 503 || w.Header().Get("Retry-After") == "" || time.Since(begin) != longWait {
				t.Errorf("%s: %d after %v", path, w.Code, time.Since(begin))
			}
		}
		time.AfterFunc(longWait/2, func() { <-n.long })
		for range 2 {
			for _, path := range longAnswers {
				if w := n.do("GET", path, ""); w.Code != 200 {
					t.Errorf("%s: %d: the place was not given back", path, w.Code)
				}
			}
		}
	})
}

// TestClientThatLeavesWaitsForNoPlace: it is gone before there is one.
func TestClientThatLeavesWaitsForNoPlace(t *testing.T) {
	n := start(t, Config{})
	for range maxLong {
		n.long <- struct{}{}
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if _, err := n.acquireSlot(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// counting notes how many long answers there are while one is sent.
type counting struct {
	*httptest.ResponseRecorder
	long chan struct{}
	held int
}

func (c *counting) Write(p []byte) (int, error) {
	c.held = len(c.long)
	return c.ResponseRecorder.Write(p)
}

func TestLongAnswerHoldsItsPlaceWhileItIsSent(t *testing.T) {
	n := start(t, Config{})
	for _, path := range longAnswers {
		r := httptest.NewRequest("GET", path, nil)
		r.Host = "localhost"
		w := &counting{ResponseRecorder: httptest.NewRecorder(), long: n.long}
		n.Handler().ServeHTTP(w, r)
		if w.Code != 200 || w.held != 1 || len(n.long) != 0 {
			t.Errorf("%s: %d, %d places while it was sent, %d after", path, w.Code, w.held, len(n.long))
		}
	}
}

// leaver takes one chunk and is gone.
type leaver struct {
	*httptest.ResponseRecorder
	left bool
}

func (l *leaver) Write(p []byte) (int, error) {
	if l.left {
		return 0, http.ErrHandlerTimeout
	}
	l.left = true
	return len(p), nil
}

func TestReaderThatLeavesEndsTheStream(t *testing.T) {
	n := start(t, Config{})
	chaintest.MineOn(t, n.chain, 3600)
	r := httptest.NewRequest("GET", "/chain", nil)
	r.Host = "localhost"
	defer func() {
		if v := recover(); v != http.ErrAbortHandler { //nolint:errorlint // the panic value itself
			t.Errorf("the connection was not cut: %v", v)
		}
		if len(n.long) != 0 {
			t.Error("the place was not given back")
		}
	}()
	n.Handler().ServeHTTP(&leaver{ResponseRecorder: httptest.NewRecorder()}, r)
}

// timed notes whether anything is sent without a deadline: a reader that takes nothing would block it indefinitely.
type timed struct {
	*httptest.ResponseRecorder
	deadline time.Time
	endless  bool
}

func (d *timed) SetWriteDeadline(at time.Time) error {
	d.deadline = at
	return nil
}

func (d *timed) Write(p []byte) (int, error) {
	d.endless = d.endless || d.deadline.IsZero()
	return d.ResponseRecorder.Write(p)
}

// TestEveryAnswerHasADeadline asks for what lifts the server's deadlines while it works.
func TestEveryAnswerHasADeadline(t *testing.T) {
	n := start(t, Config{})
	busy := start(t, Config{})
	busy.miner.mine = func(context.Context) (*consensus.Block, error) { return nil, ErrBusy }
	long := start(t, Config{})
	chaintest.MineOn(t, long.chain, 1600)
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, c := range []struct {
		name, method, path, body string
		node                     *node
		ctx                      context.Context
		status                   int
	}{
		{"short chain", "GET", "/chain", "", n, t.Context(), 200},
		{"long chain", "GET", "/chain", "", long, t.Context(), 200},
		{"head of a long chain", "HEAD", "/chain", "", long, t.Context(), 200},
		{"resolve", "GET", "/nodes/resolve", "", n, t.Context(), 200},
		{"resolve of who leaves", "GET", "/nodes/resolve", "", n, gone, 503},
		{"resolve with a long chain", "GET", "/nodes/resolve", "", long, t.Context(), 200},
		{"mine", "GET", "/mine", "", n, t.Context(), 200},
		{"mine, busy", "GET", "/mine", "", busy, t.Context(), 503},
		{"mine by POST", "POST", "/mine", "", n, t.Context(), 200},
		{"mine several", "POST", "/mine", `{"blocks": 2}`, n, t.Context(), 200},
		{"mine several, busy", "POST", "/mine", `{"blocks": 2}`, busy, t.Context(), 503},
	} {
		r := httptest.NewRequestWithContext(c.ctx, c.method, c.path, strings.NewReader(c.body))
		r.Host = "localhost"
		w := &timed{ResponseRecorder: httptest.NewRecorder(), deadline: time.Now().Add(writeTimeout)}
		c.node.Handler().ServeHTTP(w, r)
		if w.Code != c.status || w.endless || w.deadline.IsZero() {
			t.Errorf("%s: %d, sent without a deadline: %t, left without one: %t", c.name, w.Code, w.endless, w.deadline.IsZero())
		}
	}
}
