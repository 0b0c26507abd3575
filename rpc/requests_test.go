package rpc

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kuai/chain/chaintest"
)

// output is what a log has written. Handlers may still write while a test reads.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) Reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Reset()
}

// logged starts a node that logs at a level into the output.
func logged(t *testing.T, cfg Config, level slog.Level) (*node, *output) {
	t.Helper()
	var out output
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}))
	c, net := chaintest.Open(t, chaintest.Rules()), &fakeNetwork{id: testPeer}
	m := &testMiner{chain: c, name: testPeer}
	return &node{New(cfg, c, net, m, log), net, m}, &out
}

func TestARequestHasALine(t *testing.T) {
	n, out := logged(t, Config{LogRequests: true}, slog.LevelInfo)
	for _, c := range []struct{ method, path, body, line string }{
		{"GET", "/mine", "", "method=GET path=/mine status=200 took="},
		{"HEAD", "/mine", "", "method=HEAD path=/mine status=200 took="},
		{"POST", "/transactions/new", payment, "method=POST path=/transactions/new status=201 took="},
		{"POST", "/transactions/new", "{}", "status=400 took="},
		{"GET", "/chain?from=1&limit=1", "", "method=GET path=/chain status=200 took="},
		{"GET", "/nope", "", "path=/nope status=404 took="},
		{"PUT", "/chain", "", "method=PUT path=/chain status=405 took="},
		{"GET", "/a%0Ab%20level=ERROR", "", `path="/a\nb level=ERROR" status=404`},
		{"GET", "/" + strings.Repeat("x", 1000), "", "path=/" + strings.Repeat("x", maxLoggedPath-1) + " status=404"},
	} {
		out.Reset()
		n.do(c.method, c.path, c.body)
		if text := out.String(); !strings.Contains(text, "level=INFO msg=request ") || !strings.Contains(text, c.line) || strings.Count(text, "\n") != 1 {
			t.Errorf("%s %.40s: %q", c.method, c.path, text)
		}
	}
}

// TestWhatMachinesAskIsLoggedAtDebug: health, readiness, metrics and the page's parts, unless they fail.
func TestWhatMachinesAskIsLoggedAtDebug(t *testing.T) {
	n, out := logged(t, Config{LogRequests: true, LogLevel: new(slog.LevelVar)}, slog.LevelDebug)
	for _, path := range []string{"/healthz", "/readyz", "/", "/web/main.js", "/openapi.json", "/log/level"} {
		out.Reset()
		n.do("GET", path, "")
		if !strings.Contains(out.String(), "level=DEBUG msg=request") {
			t.Errorf("%s: %q", path, out)
		}
	}
	out.Reset()
	n.do("PUT", "/log/level", `{"level":"info"}`)
	if !strings.Contains(out.String(), "level=INFO msg=request method=PUT") {
		t.Errorf("a change: %q", out)
	}
	n.net.set([]Peer{{ID: "a", Connected: true}}) // none has told its height
	out.Reset()
	if w := n.do("GET", "/readyz", ""); w.Code != 503 || !strings.Contains(out.String(), "level=INFO msg=request method=GET path=/readyz status=503") {
		t.Errorf("not ready: %d, %q", w.Code, out)
	}
}

func TestNoLinesUnlessAskedFor(t *testing.T) {
	for _, c := range []struct {
		cfg   Config
		level slog.Level
	}{{Config{}, slog.LevelDebug}, {Config{LogRequests: true}, slog.LevelWarn}} {
		n, out := logged(t, c.cfg, c.level)
		n.do("GET", "/node", "")
		if out.String() != "" {
			t.Errorf("%+v at %v: %q", c.cfg, c.level, out)
		}
	}
}

// TestManyRequestsHaveNoLineEach: a flood costs a bounded part of the log, and the next line says how many had none.
func TestManyRequestsHaveNoLineEach(t *testing.T) {
	n, out := logged(t, Config{LogRequests: true}, slog.LevelInfo)
	const flood = 10 * requestLines
	requests := newRequestLog(Config{LogRequests: true}, n.log)
	requests.lines.SetLimit(0) // no more lines come with time
	h := requests.observe(http.NotFoundHandler())
	ask := func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/x", nil)) }
	for range flood {
		ask()
	}
	if lines := strings.Count(out.String(), "\n"); lines != requestLines {
		t.Errorf("%d requests have %d lines, expected %d", flood, lines, requestLines)
	}
	requests.lines.SetBurst(requestLines + 1)
	requests.lines.SetLimit(1e9)
	out.Reset()
	ask()
	if !regexp.MustCompile(`lines_withheld=450\n$`).MatchString(out.String()) {
		t.Errorf("the next line does not say how many had none: %q", out)
	}
}

// TestACutAnswerIsTold: the log and the metrics tell an answer that was not finished from one that was.
func TestACutAnswerIsTold(t *testing.T) {
	reg := prometheus.NewRegistry()
	n, out := logged(t, Config{}, slog.LevelInfo)
	h := newRequestLog(Config{LogRequests: true, Registerer: reg}, n.log)
	srv := httptest.NewServer(h.observe(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	})))
	if res, err := http.Get(srv.URL); err == nil {
		_, err = io.ReadAll(res.Body)
		res.Body.Close()
		if err == nil {
			t.Error("a cut answer looks whole")
		}
	}
	srv.Close() // waits for the handler
	if !strings.Contains(out.String(), "cut=true") || !slices.Equal(figures(t, reg, "kuai_http_requests_total"), []string{`{operation="other",status="cut"} 1`}) {
		t.Errorf("not told: %q", out)
	}
}

// TestRequestsAreCounted by operation and class of status. What a client sends makes no new label.
func TestRequestsAreCounted(t *testing.T) {
	reg := prometheus.NewRegistry()
	n := start(t, Config{Registerer: reg})
	for _, target := range []string{"/chain", "/chain?from=1&limit=1", "/blocks/1", "/blocks/99", "/nope", "/nope2", "/%41"} {
		n.do("GET", target, "")
	}
	n.do("HEAD", "/mine", "")
	n.do("BREW", "/chain", "")
	n.do("GET", "/node", "", "Host: evil.example")
	expected := []string{
		`{operation="getBlock",status="2xx"} 1`, `{operation="getBlock",status="4xx"} 1`, `{operation="getChain",status="2xx"} 2`,
		`{operation="mineBlock",status="2xx"} 1`, `{operation="other",status="4xx"} 5`,
	}
	if got := figures(t, reg, "kuai_http_requests_total"); !slices.Equal(got, expected) {
		t.Errorf("%q, expected %q", got, expected)
	}
	expected = []string{`{operation="getBlock"} 2`, `{operation="getChain"} 2`, `{operation="mineBlock"} 1`, `{operation="other"} 5`}
	if got := figures(t, reg, "kuai_http_request_seconds_count"); !slices.Equal(got, expected) {
		t.Errorf("durations: %q, expected %q", got, expected)
	}
}

// figures returns the labels and values of a metric, as Prometheus reads them.
func figures(t *testing.T, reg *prometheus.Registry, name string) (lines []string) {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if figure, ok := strings.CutPrefix(line, name+"{"); ok {
			lines = append(lines, "{"+strings.TrimSuffix(figure, "\n"))
		}
	}
	return lines
}

// TestAnEventStreamHasNoDuration: it lasts as long as its reader likes.
func TestAnEventStreamHasNoDuration(t *testing.T) {
	reg := prometheus.NewRegistry()
	n := start(t, Config{Registerer: reg})
	url := listen(t, n.Handler())
	s := listenTo(t, url, "")
	s.next("peer")
	n.do("HEAD", "/events", "")
	if got := figures(t, reg, "kuai_http_request_seconds_count"); got != nil {
		t.Errorf("it has durations: %q", got)
	}
	if got := figures(t, reg, "kuai_http_requests_total"); !slices.Equal(got, []string{`{operation="getEvents",status="2xx"} 1`}) {
		t.Errorf("%q", got)
	}
}

// TestAnObservedAnswerStreams: deadlines and flushes reach the connection through what notes the status.
func TestAnObservedAnswerStreams(t *testing.T) {
	n, out := logged(t, Config{LogRequests: true, Registerer: prometheus.NewRegistry()}, slog.LevelInfo)
	url := listen(t, n.Handler())
	s := listenTo(t, url, "")
	s.next("peer") // it comes although the stream goes on
	if strings.Contains(out.String(), "/events") {
		t.Errorf("told before its end: %q", out)
	}
}
