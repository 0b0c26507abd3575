package rpc

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kuai/chain/chaintest"
)

// BenchmarkHalfOpen measures what four clients see, each request on a connection of its own, while others hold connections open on
// which a request never ends: half drip their header, half their body. A client that is cut off comes back at once.
func BenchmarkHalfOpen(b *testing.B) {
	for _, held := range []int{0, 500, 2 * MaxConnections} {
		n, addr := onDisk(b)
		chaintest.MineOn(b, n.chain, 10)
		leave := besiege(b, addr, held)
		for name, request := range map[string]func(int) string{
			"GET/healthz":           func(int) string { return "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" },
			"GET/chain":             func(int) string { return "GET /chain HTTP/1.1\r\nHost: localhost\r\n\r\n" },
			"POST/transactions/new": post,
		} {
			b.Run(fmt.Sprintf("held=%d/%s", held, name), func(b *testing.B) { reportLatency(b, askAnew(b, addr, 4, request)) })
		}
		leave()
	}
}

// besiege holds count requests half open until leave is called.
func besiege(b *testing.B, addr string, count int) (leave func()) {
	ctx, cancel := context.WithCancel(b.Context())
	var all sync.WaitGroup
	var there atomic.Int64
	for i := range count {
		all.Go(func() {
			began := sync.OnceFunc(func() { there.Add(1) })
			for ctx.Err() == nil {
				holdHalfOpen(ctx, addr, i%2 == 0, began)
			}
		})
	}
	for there.Load() < int64(count) {
		time.Sleep(time.Millisecond)
	}
	return func() { cancel(); all.Wait() }
}

// holdHalfOpen sends a request's beginning, and then a byte each second until it is cut or ctx ends.
func holdHalfOpen(ctx context.Context, addr string, header bool, began func()) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	text := "POST /transactions/new HTTP/1.1\r\nHost: localhost\r\nX-Drip: "
	if !header {
		text += "1\r\nContent-Length: 10000\r\n\r\n{"
	}
	for cut := false; !cut; text = " " {
		_, err := io.WriteString(conn, text)
		began()
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		_, readErr := conn.Read(make([]byte, 1))
		timeout, ok := readErr.(net.Error) //nolint:errorlint // the connection's own
		cut = err != nil || !ok || !timeout.Timeout()
	}
}

// askAnew sends b.N requests and returns how long each took, from its dial to the end of its answer.
func askAnew(b *testing.B, addr string, clients int, request func(i int) string) []time.Duration {
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < b.N; i = int(next.Add(1)) - 1 {
				began := time.Now()
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					b.Error(err)
					return
				}
				_, err = io.WriteString(conn, request(i+1))
				status, readErr := skipAnswer(bufio.NewReader(conn))
				conn.Close()
				if took[i] = time.Since(began); err != nil || readErr != nil || status >= 300 {
					b.Errorf("status %d, %v, %v", status, err, readErr)
					return
				}
			}
		})
	}
	all.Wait()
	return took
}

func reportLatency(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	at := func(percent int) float64 { return float64(took[(len(took)-1)*percent/100].Microseconds()) / 1e3 }
	b.ReportMetric(at(50), "p50-ms")
	b.ReportMetric(at(99), "p99-ms")
	b.ReportMetric(at(100), "max-ms")
	b.ReportMetric(0, "ns/op")
}
