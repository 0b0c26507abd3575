package grade

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// rival is a neighbour of the graded node: it answers GET /chain with what it was told to.
type rival struct {
	host   string // by which the graded node reaches it
	listen string // where it listens, with its port once it has one
	port   int

	mu     sync.Mutex
	body   []byte
	asked  int // how often the chain was asked for
	server *http.Server
	done   chan struct{} // closed when the server has ended
}

// newRival starts a rival. If host is another name of this machine, as that of a container's host, it listens on all addresses.
func newRival(ctx context.Context, host string) (*rival, error) {
	r := &rival{host: host, listen: net.JoinHostPort(host, "0")}
	err := r.start(ctx)
	if ip := net.ParseIP(host); err != nil && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		r.listen = ":0"
		err = r.start(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("a rival node cannot listen on %s: %w; name an address of this machine by --rival-host", host, err)
	}
	return r, nil
}

// url is the rival's address for the graded node.
func (r *rival) url() string { return "http://" + r.address() }

func (r *rival) address() string { return net.JoinHostPort(r.host, strconv.Itoa(r.port)) }

// rivalTimeout bounds a request to a rival.
const rivalTimeout = 10 * time.Second

// start listens, on the same port again after a stop.
func (r *rival) start(ctx context.Context) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", r.listen)
	if err != nil {
		return err
	}
	r.port = l.Addr().(*net.TCPAddr).Port
	host, _, _ := net.SplitHostPort(r.listen) // it was listened on
	r.listen = net.JoinHostPort(host, strconv.Itoa(r.port))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /chain", r.chain)
	r.server = &http.Server{Handler: mux, ReadTimeout: rivalTimeout, WriteTimeout: rivalTimeout}
	r.done = make(chan struct{})
	go func(s *http.Server, done chan struct{}) { defer close(done); _ = s.Serve(l) }(r.server, r.done) // until it is closed
	return nil
}

// stop makes the rival a dead neighbour.
func (r *rival) stop() {
	_ = r.server.Close() // connections that are open are cut, too
	<-r.done
}

// serve sets the chain that the rival answers with, and the length that it claims.
func (r *rival) serve(chain []block, length int) {
	list := make([]any, len(chain))
	for i, b := range chain {
		list[i] = b
	}
	body := appendPython(nil, map[string]any{"chain": list, "length": number(length)})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.body, r.asked = body, 0
}

// wasAsked reports whether the chain was asked for since it was set.
func (r *rival) wasAsked() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked > 0
}

func (r *rival) chain(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	body := r.body
	r.asked++
	r.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // who left needs no answer
}
