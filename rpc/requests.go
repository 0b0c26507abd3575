package rpc

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"kuai/rpc/api"
)

// Bounds of the request log. Who sends many requests gets no line for each.
const (
	requestLines   = 50  // at once
	requestRate    = 20  // more lines each second
	maxLoggedPath  = 128 // bytes of a path in a line
	otherOperation = "other"
)

// requestLog tells of each request when it is answered: by a line in the log, and by metrics. A nil one tells nothing.
type requestLog struct {
	log      *slog.Logger // nil: no lines
	lines    *rate.Limiter
	withheld atomic.Int64 // lines since the last one that was written
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// newRequestLog returns what cfg asks for.
func newRequestLog(cfg Config, log *slog.Logger) *requestLog {
	if !cfg.LogRequests && cfg.Registerer == nil {
		return nil
	}
	l := &requestLog{}
	if cfg.LogRequests {
		l.log, l.lines = log, rate.NewLimiter(requestRate, requestLines)
	}
	if cfg.Registerer != nil {
		l.requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "kuai_http_requests_total",
			Help: "HTTP requests by operation (as in openapi.json, or other) and class of status; cut: the answer was not finished."}, []string{"operation", "status"})
		l.seconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "kuai_http_request_seconds",
			Help: "From a request's header to the end of its answer, by operation. Event streams are not counted.", Buckets: prometheus.ExponentialBuckets(0.0005, 4, 9)},
			[]string{"operation"})
		cfg.Registerer.MustRegister(l.requests, l.seconds)
	}
	return l
}

// observe stands before everything else.
func (l *requestLog) observe(next http.Handler) http.Handler {
	if l == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o := &observed{ResponseWriter: w, began: time.Now()}
		defer func() { l.tell(o, r) }() // also if the answer is cut, which is a panic
		next.ServeHTTP(o, r)
		o.whole = true
	})
}

// observed is an answer whose status is noted.
type observed struct {
	http.ResponseWriter
	began  time.Time
	status int
	op     *api.Operation // nil: none answered
	whole  bool
}

// WriteHeader notes the status.
func (o *observed) WriteHeader(status int) {
	if o.status == 0 {
		o.status = status
	}
	o.ResponseWriter.WriteHeader(status)
}

// Unwrap lets an http.ResponseController reach the connection.
func (o *observed) Unwrap() http.ResponseWriter { return o.ResponseWriter }

// named notes which operation handle is.
func named(op api.Operation, handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if o, ok := w.(*observed); ok {
			o.op = &op
		}
		handle(w, r)
	}
}

// tell counts a request and logs it.
func (l *requestLog) tell(o *observed, r *http.Request) {
	took := time.Since(o.began)
	if o.status == 0 {
		o.status = http.StatusOK // what net/http sends if a handler says nothing
	}
	if l.requests != nil {
		l.count(o, took)
	}
	if level := o.level(); l.log != nil && l.log.Enabled(r.Context(), level) {
		l.write(level, o, r, took)
	}
}

func (l *requestLog) count(o *observed, took time.Duration) {
	name, status := otherOperation, "cut"
	if o.op != nil {
		name = o.op.ID
	}
	if o.whole {
		status = strconv.Itoa(o.status/100) + "xx"
	}
	l.requests.WithLabelValues(name, status).Inc()
	if o.op == nil || !o.op.Streams() {
		l.seconds.WithLabelValues(name).Observe(took.Seconds())
	}
}

// level is Info for what people and programs ask of a node, and Debug for what machines ask again and again, and for the page's parts.
func (o *observed) level() slog.Level {
	if o.op != nil && !o.op.Guarded() && (o.op.Group == "operation" || o.op.Group == "page") && o.status < http.StatusInternalServerError {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// write writes a line, or withholds it if there are too many.
func (l *requestLog) write(level slog.Level, o *observed, r *http.Request, took time.Duration) {
	if !l.lines.Allow() {
		l.withheld.Add(1)
		return
	}
	path := r.URL.Path
	args := []slog.Attr{
		slog.String("method", r.Method[:min(len(r.Method), maxLoggedPath)]), slog.String("path", path[:min(len(path), maxLoggedPath)]),
		slog.Int("status", o.status), slog.Duration("took", took.Round(10*time.Microsecond)),
	}
	if !o.whole {
		args = append(args, slog.Bool("cut", true))
	}
	if n := l.withheld.Swap(0); n > 0 {
		args = append(args, slog.Int64("lines_withheld", n))
	}
	l.log.LogAttrs(context.Background(), level, "request", args...)
}
