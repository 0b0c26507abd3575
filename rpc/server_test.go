package rpc

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"kuai/chain/consensus"
)

// serve runs the server on loopback until the test ends or stop is called, and shows that nothing is left.
func serve(t *testing.T, n *node) (addr string, stop func()) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln.Addr().String(), serveAt(t, n, ln)
}

func serveAt(t *testing.T, n *node, ln net.Listener) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Serve(ctx, ln) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// pipes is a listener in memory: connections whose deadlines are in virtual time.
type pipes struct {
	coming chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{coming: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) dial() net.Conn {
	here, there := net.Pipe()
	p.coming <- there
	return here
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.coming:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// request sends raw text and returns the status line.
func request(t *testing.T, conn net.Conn, text string) string {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func TestServeLeavesNothing(t *testing.T) {
	n := start(t, Config{}) // the chain's own goroutines live until the test ends
	before := goleak.IgnoreCurrent()
	addr, stop := serve(t, n)
	events, err := http.Get("http://" + addr + "/events")
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	n.miner.mine = func(ctx context.Context) (*consensus.Block, error) {
		close(started)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	mined := make(chan int, 1)
	go func() {
		res, err := http.Get("http://" + addr + "/mine")
		if err != nil {
			mined <- 0
			return
		}
		res.Body.Close()
		mined <- res.StatusCode
	}()
	<-started
	stop()
	if code := <-mined; code != http.StatusServiceUnavailable {
		t.Errorf("a search that the stop ended answers %d", code)
	}
	if _, err := io.ReadAll(events.Body); err != nil {
		t.Errorf("the event stream did not end well: %v", err)
	}
	events.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("the listener is open after the stop")
	}
	goleak.VerifyNone(t, before)
}

func TestServeEndsWhereAListenerFails(t *testing.T) {
	n := start(t, Config{})
	lost, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lost.Close()
	if err := n.Serve(t.Context(), lost, other); err == nil || !strings.Contains(err.Error(), lost.Addr().String()) {
		t.Errorf("Serve: %v", err)
	}
	if err := n.Serve(t.Context()); err == nil {
		t.Error("Serve without a listener reports no error")
	}
}

// health is a whole request.
const health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

// TestConnectionsAreBounded takes all places by requests that are being answered. One more waits until one of them is.
func TestConnectionsAreBounded(t *testing.T) {
	n := start(t, Config{})
	started, finish := make(chan struct{}, MaxConnections), make(chan struct{})
	n.miner.mine = func(ctx context.Context) (*consensus.Block, error) {
		started <- struct{}{}
		select {
		case <-finish:
		case <-ctx.Done():
		}
		return nil, ErrBusy
	}
	addr, _ := serve(t, n)
	for range MaxConnections {
		if _, err := io.WriteString(dial(t, addr), "GET /mine HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		<-started
	}
	waiting := dial(t, addr)
	if _, err := io.WriteString(waiting, health); err != nil {
		t.Fatal(err)
	}
	if err := waiting.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := waiting.Read(make([]byte, 1)); err == nil {
		t.Fatalf("one connection more than %d was answered (%d bytes)", MaxConnections, n)
	}
	finish <- struct{}{}
	if err := waiting.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(waiting).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Errorf("after another one was answered: %q, %v", line, err)
	}
}

// TestWaitingConnectionsMakeRoom takes all places by connections on which no request is complete. Those that come later take the
// places of the first, in their order, and not the one of a request that is being answered, though it is the oldest. In virtual time
// no timeout closes any.
func TestWaitingConnectionsMakeRoom(t *testing.T) {
	for name, text := range map[string]string{
		"silent":            "",
		"idle":              health,
		"header half there": health[:len(health)-2],
		"body half there":   "POST /transactions/new HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
		"body nobody reads": "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { waitingMakeRoom(t, text) }) })
	}
}

func waitingMakeRoom(t *testing.T, text string) {
	n, ln := start(t, Config{}), newPipes()
	started, finish := make(chan struct{}), make(chan struct{})
	n.miner.mine = func(context.Context) (*consensus.Block, error) {
		close(started)
		<-finish
		return nil, ErrBusy
	}
	stop := serveAt(t, n, ln)
	busy := ln.dial()
	if _, err := io.WriteString(busy, "GET /mine HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-started
	closed := make(chan int, MaxConnections)
	for i := range MaxConnections - 1 {
		conn := ln.dial()
		if text == health {
			request(t, conn, text)
		} else if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = io.Copy(io.Discard, conn) // until the server closes it
			closed <- i
		}()
		time.Sleep(time.Millisecond) // each begins to wait at a time of its own
	}
	const late = 20
	for i := range late {
		if line := request(t, ln.dial(), health); !strings.Contains(line, "200") {
			t.Error(line)
		}
		if first := <-closed; first != i {
			t.Errorf("connection %d was closed, not %d, which waits longest", first, i)
		}
	}
	synctest.Wait()
	if len(closed) > 0 {
		t.Errorf("%d connections were closed for %d new ones", late+len(closed), late)
	}
	close(finish)
	if line := request(t, busy, ""); !strings.Contains(line, "503") {
		t.Errorf("the request that was being answered: %s", line)
	}
	stop()
}

func TestHalfOpenRequestsHoldUpNobody(t *testing.T) {
	addr, _ := serve(t, start(t, Config{}))
	for range 500 {
		if _, err := io.WriteString(dial(t, addr), "GET /mine HTTP/1.1\r\nHost: localhost\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if line := request(t, dial(t, addr), "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); !strings.Contains(line, "200") {
			t.Error(line)
		}
	}
}

func TestHeaderOverTheLimitIsRefused(t *testing.T) {
	addr, _ := serve(t, start(t, Config{}))
	for size, status := range map[int]string{MaxHeaderBytes - 1024: "200", MaxHeaderBytes + 1024: "431"} {
		text := fmt.Sprintf("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Fill: %s\r\n\r\n", strings.Repeat("x", size))
		if line := request(t, dial(t, addr), text); !strings.Contains(line, status) {
			t.Errorf("a header of %d bytes: %s, expected %s", size, line, status)
		}
	}
}

func TestTwoListenersServeOneNode(t *testing.T) {
	n := start(t, Config{})
	a, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Serve(ctx, a, b) }()
	for _, ln := range []net.Listener{a, b} {
		if code, _, _ := fetch(t, "http://"+ln.Addr().String()+"/healthz"); code != 200 {
			t.Errorf("%s: %d", ln.Addr(), code)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
