package rpc

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kuai/chain"
	"kuai/chain/chaintest"
)

// The benchmarks compare with a bare net/http handler in the same run: machines differ, ratios less so.

// onDisk is a node whose chain is in Pebble on disk, served on loopback.
func onDisk(b *testing.B) (*node, string) {
	b.Helper()
	c, shut := chaintest.OpenDisk(b, chaintest.Rules(), b.TempDir())
	var run sync.WaitGroup
	run.Go(func() { _ = c.Run(b.Context()) })
	b.Cleanup(func() { run.Wait(); shut() }) // the context ends first
	n, m := &fakeNetwork{id: testPeer}, &testMiner{chain: c, name: testPeer}
	s := &node{New(Config{}, c, n, m, quiet()), n, m}
	return s, serveBench(b, s.httpServer(b.Context()))
}

func serveBench(b *testing.B, srv *http.Server) string {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = srv.Serve(&limitedListener{ln, b.Context().Done(), newConnLimiter()}) }()
	b.Cleanup(func() { srv.Close() })
	return ln.Addr().String()
}

func bare(b *testing.B, h http.HandlerFunc) string {
	b.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/", h)
	return serveBench(b, &http.Server{Handler: mux})
}

// hammer sends total requests over as many connections as there are clients, each waiting for its answer. The client is as
// thin as one can be, so that the server is what is measured.
func hammer(b *testing.B, addr string, clients, total, status int, request func(i int) string) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			answers := bufio.NewReader(conn)
			for i := int(next.Add(1)); i <= total; i = int(next.Add(1)) {
				if _, err := io.WriteString(conn, request(i)); err != nil {
					b.Error(err)
					return
				}
				if got, err := skipAnswer(answers); err != nil || got != status {
					b.Errorf("status %d, %v", got, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// skipAnswer reads one answer of known length and returns its status.
func skipAnswer(r *bufio.Reader) (status int, err error) {
	length := 0
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		switch text := strings.TrimSpace(string(line)); {
		case first:
			status, _ = strconv.Atoi(text[9:12])
		case text == "":
			_, err = r.Discard(length)
			return status, err
		case strings.HasPrefix(text, "Content-Length: "):
			length, _ = strconv.Atoi(text[len("Content-Length: "):])
		}
	}
}

func perSecond(b *testing.B) { b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "answers/s") }

func BenchmarkSmallGet(b *testing.B) {
	const clients = 32
	n, addr := onDisk(b)
	chaintest.MineOn(b, n.chain, 10)
	for _, path := range []string{"/healthz", "/blocks/latest", "/transactions/pending", "/node", "/chain"} {
		body := n.do("GET", path, "").Body.Bytes()
		text := "GET " + path + " HTTP/1.1\r\nHost: localhost:5000\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
		get := func(int) string { return text }
		plain := bare(b, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(body)
		})
		b.Run("bare"+path, func(b *testing.B) { hammer(b, plain, clients, b.N, 200, get); perSecond(b) })
		b.Run("kuai"+path, func(b *testing.B) { hammer(b, addr, clients, b.N, 200, get); perSecond(b) })
	}
}

// BenchmarkLatency is what one client waits for an answer of the daemon and of a bare handler, in turns.
func BenchmarkLatency(b *testing.B) {
	n, addr := onDisk(b)
	chaintest.MineOn(b, n.chain, 10)
	body := n.do("GET", "/blocks/latest", "").Body.Bytes()
	plain := bare(b, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})
	ours, theirs := newAsker(b, addr), newAsker(b, plain)
	for b.Loop() {
		ours.ask(b)
		theirs.ask(b)
	}
	b.ReportMetric(0, "ns/op")
	for of, q := range map[string]float64{"p50": 0.5, "p99": 0.99} {
		b.ReportMetric(quantile(ours.waits, q, time.Duration.Seconds)*1000, of+"-ms")
		b.ReportMetric(quantile(theirs.waits, q, time.Duration.Seconds)*1000, "bare-"+of+"-ms")
	}
}

// asker asks for GET /blocks/latest over one connection, and notes how long each answer takes.
type asker struct {
	conn    net.Conn
	answers *bufio.Reader
	waits   []time.Duration
}

func newAsker(b *testing.B, addr string) *asker {
	b.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return &asker{conn: conn, answers: bufio.NewReader(conn)}
}

func (a *asker) ask(b *testing.B) {
	b.Helper()
	began := time.Now()
	_, err := io.WriteString(a.conn, "GET /blocks/latest HTTP/1.1\r\nHost: localhost:5000\r\n\r\n")
	status := 0
	if err == nil {
		status, err = skipAnswer(a.answers)
	}
	if err != nil || status != http.StatusOK {
		b.Fatal(status, err)
	}
	a.waits = append(a.waits, time.Since(began))
}

func post(i int) string {
	body := fmt.Sprintf(`{"sender":"alice","recipient":"bob","amount":%d}`, i)
	return fmt.Sprintf("POST /transactions/new HTTP/1.1\r\nHost: localhost:5000\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// syncedFile is a file whose syncs are shared by all who wait.
type syncedFile struct {
	lines chan syncedLine
}

type syncedLine struct {
	text []byte
	done chan error
}

func newSyncedFile(b *testing.B) *syncedFile {
	b.Helper()
	file, err := os.Create(filepath.Join(b.TempDir(), "payments"))
	if err != nil {
		b.Fatal(err)
	}
	f := &syncedFile{make(chan syncedLine, 1024)}
	b.Cleanup(func() { close(f.lines); file.Close() })
	go func() {
		for first := range f.lines {
			waiting, text := []syncedLine{first}, first.text
			for range len(f.lines) {
				next := <-f.lines
				waiting, text = append(waiting, next), append(text, next.text...)
			}
			_, err := file.Write(text)
			err = errors.Join(err, file.Sync())
			for _, w := range waiting {
				w.done <- err
			}
		}
	}()
	return f
}

// append returns when a line is on disk.
func (f *syncedFile) append(text []byte) error {
	line := syncedLine{text, make(chan error, 1)}
	f.lines <- line
	return <-line.done
}

// BenchmarkDurablePost compares with a bare handler that reads and writes JSON, and with the same that also appends the payment
// to a file and answers when it is on disk, one sync for all who wait: what this disk allows.
func BenchmarkDurablePost(b *testing.B) {
	const clients = 64
	type payment struct {
		Sender, Recipient string
		Amount            float64
	}
	take := func(keep func(payment) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var v payment
			if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
				b.Error(err)
			}
			if err := keep(v); err != nil {
				b.Error(err)
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusCreated)
			_ = json.NewEncoder(w).Encode(map[string]string{"message": "Transaction will be added to Block 2"})
		}
	}
	b.Run("bare", func(b *testing.B) {
		hammer(b, bare(b, take(func(payment) error { return nil })), clients, b.N, 201, post)
		perSecond(b)
	})
	b.Run("disk", func(b *testing.B) {
		f := newSyncedFile(b)
		hammer(b, bare(b, take(func(v payment) error { return f.append(fmt.Appendln(nil, v)) })), clients, b.N, 201, post)
		perSecond(b)
	})
	b.Run("kuai", func(b *testing.B) {
		const room = chain.MaxPoolTransactions - 1000 // then a fresh node: a full pool answers 503
		for left := b.N; left > 0; left -= room {
			b.StopTimer()
			_, addr := onDisk(b)
			b.StartTimer()
			hammer(b, addr, clients, min(left, room), 201, post)
		}
		perSecond(b)
	})
}

// BenchmarkChain reads the whole chain, in turns with the same bytes from a bare handler that has them in memory. The
// chain has KUAI_BENCH_BLOCKS blocks of one payment, 100,000 where that is not set.
func BenchmarkChain(b *testing.B) {
	blocks := 100_000
	if v := os.Getenv("KUAI_BENCH_BLOCKS"); v != "" {
		var err error
		if blocks, err = strconv.Atoi(v); err != nil {
			b.Fatalf("KUAI_BENCH_BLOCKS: %v", err)
		}
	}
	n, addr := onDisk(b)
	chaintest.Grow(b, n.chain, blocks)
	chunk := []byte(strings.Repeat("x", chunkBytes))
	size := readAll(b, addr).bytes
	plain := bare(b, func(w http.ResponseWriter, _ *http.Request) {
		for sent := 0; sent < size; sent += len(chunk) {
			_, _ = w.Write(chunk)
		}
	})
	var ours, theirs []read
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		ours, theirs = append(ours, readAll(b, addr)), append(theirs, readAll(b, plain))
	}
	runtime.ReadMemStats(&after)
	rate := func(a read) float64 { return float64(a.bytes) / a.whole.Seconds() / 1e6 }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(quantile(ours, 0.5, rate), "MB/s")
	b.ReportMetric(quantile(ours, 0.9, rate), "best-MB/s") // while nobody else has the other threads of the cores
	b.ReportMetric(quantile(theirs, 0.5, rate), "bare-MB/s")
	b.ReportMetric(quantile(ours, 0.5, func(a read) float64 { return a.first.Seconds() * 1000 }), "ms-to-first-byte")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N)/(1<<20), "MiB-allocated/op")
}

// read is what a reader of a long answer saw.
type read struct {
	bytes        int
	first, whole time.Duration
}

// readAll reads GET /chain with a client as thin as one can be.
func readAll(b *testing.B, addr string) (a read) {
	b.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	buf := make([]byte, 256<<10)
	began := time.Now()
	_, err = io.WriteString(conn, "GET /chain HTTP/1.1\r\nHost: localhost:5000\r\nConnection: close\r\n\r\n")
	for err == nil {
		var n int
		if n, err = conn.Read(buf); a.bytes == 0 {
			a.first = time.Since(began)
		}
		a.bytes += n
	}
	if a.whole = time.Since(began); !errors.Is(err, io.EOF) {
		b.Fatal(err)
	}
	return a
}

func quantile[T any](answers []T, q float64, of func(T) float64) float64 {
	values := make([]float64, len(answers))
	for i, a := range answers {
		values[i] = of(a)
	}
	slices.Sort(values)
	return values[int(q*float64(len(values)))]
}

// BenchmarkRequestLog is what telling of a request adds to GET /healthz, the smallest answer.
func BenchmarkRequestLog(b *testing.B) {
	for _, c := range []struct {
		name  string
		level slog.Level
		cfg   func() Config
	}{
		{"off", slog.LevelInfo, func() Config { return Config{} }},
		{"warn", slog.LevelWarn, func() Config { return Config{LogRequests: true, Registerer: prometheus.NewRegistry()} }},
		{"debug", slog.LevelDebug, func() Config { return Config{LogRequests: true, Registerer: prometheus.NewRegistry()} }},
	} {
		b.Run(c.name, func(b *testing.B) {
			// The handler formats what it discards, as slog.DiscardHandler does not.
			log := slog.New(slog.NewTextHandler(struct{ io.Writer }{io.Discard}, &slog.HandlerOptions{Level: c.level}))
			held := chaintest.Open(b, chaintest.Rules())
			h := New(c.cfg(), held, &fakeNetwork{id: testPeer}, &testMiner{chain: held}, log).Handler()
			r := httptest.NewRequest("GET", "/healthz", nil)
			r.Host = "localhost"
			for b.Loop() {
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
