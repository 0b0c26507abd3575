package rpc

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestADeadURLIsAskedSeldom: the server and the network want to know all the time, and the URL is asked by one schedule, ever
// more seldom, by whatever name it fails.
func TestADeadURLIsAskedSeldom(t *testing.T) {
	for name, p := range map[string]*standIn{"nobody": {}, "not a node": {h: refusing(404)}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := start(t, Config{Agent: "kuai/1.2.3"})
				n.answering(p)
				stop := watching(t, n)
				decode(t, n.do("POST", "/nodes/register", listOf("place:5000")), 201)
				asks := func(within time.Duration) int {
					count := func() int {
						return len(slices.DeleteFunc(p.paths(), func(path string) bool { return path != "/node" }))
					}
					before := count()
					for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
						_, _ = n.prober.Resolve(t.Context(), "http://place:5000")
					}
					return count() - before
				}
				if got := asks(10 * time.Second); got < 2 || got > 8 {
					t.Errorf("asked %d times in the first 10 s", got)
				}
				asks(time.Minute)
				if got := asks(time.Hour); got < 120 || got > 241 {
					t.Errorf("asked %d times in an hour", got)
				}
				stop()
				if got := slices.Compact(slices.Clone(p.agents)); !slices.Equal(got, []string{"kuai/1.2.3"}) {
					t.Errorf("asked as %q", got)
				}
			})
		})
	}
}

// TestAnAnswerIsKnownForAWhile: a node that answers and cannot be reached otherwise is asked no more often than a dead one.
func TestAnAnswerIsKnownForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := start(t, Config{}), &standIn{}
		n.answering(p)
		p.become(kuaiNode(t, firstID).Handler())
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			if got, err := n.prober.Resolve(t.Context(), "http://place:5000"); err != nil || len(got) != 1 {
				t.Fatalf("%q, %v", got, err)
			}
		}
		if got := p.paths(); len(got) < 2 || len(got) > 8 {
			t.Errorf("asked for %q", got)
		}
	})
}

// TestManyAskOnce: callers that ask at the same time share one request.
func TestManyAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := start(t, Config{}), &standIn{}
		n.answering(p)
		var wg sync.WaitGroup
		release := make(chan struct{})
		p.become(waiting{release, kuaiNode(t, firstID).Handler()})
		for range 20 {
			wg.Go(func() { n.prober.ask(t.Context(), "http://place:5000") })
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		if got := p.paths(); len(got) != 1 {
			t.Errorf("asked for %q", got)
		}
	})
}

// waiting answers when it may.
type waiting struct {
	release <-chan struct{}
	http.Handler
}

func (h waiting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	<-h.release
	h.Handler.ServeHTTP(w, r)
}

// TestProberIsBounded remembers a limited number of URLs.
func TestProberIsBounded(t *testing.T) {
	p := NewProber("")
	for i := range maxSites + 100 {
		p.at(fmt.Sprintf("http://place:%d", i+1))
	}
	if len(p.sites) != maxSites {
		t.Errorf("%d URLs are remembered", len(p.sites))
	}
}

// TestAPortForPeersIsNamed asks what speaks libp2p, not HTTP.
func TestAPortForPeersIsNamed(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("\x13/multistream/1.0.0\n")) // before anybody asked
			go func() {
				_, _ = io.Copy(io.Discard, c)
				_ = c.Close()
			}()
		}
	}()
	for name, ask := range map[string]func() error{
		"a node": func() error {
			_, err := NewProber("test").Resolve(t.Context(), "http://"+ln.Addr().String())
			return err
		},
		"the command line": func() error {
			_, err := NewClient(ln.Addr().String()).Node(t.Context())
			return err
		},
		"an import": func() error {
			_, err := ChainAt("http://" + ln.Addr().String())(t.Context())
			return err
		},
	} {
		err := ask()
		if err == nil || !strings.Contains(err.Error(), "if that is its port for peers, give its HTTP port or its multiaddr") ||
			strings.Contains(err.Error(), "is it running") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
