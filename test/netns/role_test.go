//go:build linux

package netns

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"
	"time"
)

// floodTime bounds how long an actor goes on making more.
const floodTime = 15 * time.Second

// roleVariable makes this binary an actor: an attacker, or a crowd of honest peers.
const roleVariable = "KUAI_TEST_ROLE"

// part tells an actor what to do. An actor does it, prints a line of JSON with what came of it, and holds on until its standard
// input ends.
type part struct {
	Role  string   // a key of roles
	To    string   // host:port, or a multiaddr
	Count int      // of what it makes
	From  []string // addresses to come from, in turn; none: whichever

	Listen string // a hop's multiaddr, a relay's host:port
	Dir    string // of a hop's chain; "": in memory
	Last   bool   // a hop says when it has a block
}

// outcome is what came of a part, or of an order.
type outcome struct {
	Made    int    `json:",omitempty"` // connections or streams
	Error   string `json:",omitempty"` // the first error
	Address string `json:",omitempty"` // of a hop or a relay
	Index   int64  `json:",omitempty"` // of a block that a hop has
	At      int64  `json:",omitempty"` // since when, in Unix nanoseconds
}

var roles = map[string]func(part, *tally){
	"idle":    idle,
	"secured": secured,
	"streams": streams,
	"mute":    mute,
	"http":    halfRequests,
	"crowd":   crowd,
	"hop":     hop,
	"relay":   relay,
}

// play is an actor's main.
func play(text string) int {
	var p part
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	var t tally
	roles[p.Role](p, &t)
	t.say(t.outcome())
	for orders := bufio.NewScanner(os.Stdin); orders.Scan(); {
		t.order()
	}
	return 0
}

// tally keeps what an actor holds.
type tally struct {
	mu    sync.Mutex
	held  []any // so that nothing is closed by the collector
	error error

	address string
	order   func() // what a line from the test means
}

// say prints an outcome.
func (t *tally) say(o outcome) {
	text, err := json.Marshal(o)
	if err != nil {
		panic("netns: an outcome is numbers and text: " + err.Error())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = os.Stdout.Write(append(text, '\n'))
}

func (t *tally) hold(v any, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err == nil:
		t.held = append(t.held, v)
	case t.error == nil:
		t.error = err
	}
}

func (t *tally) outcome() outcome {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := outcome{Made: len(t.held), Address: t.address}
	if t.error != nil {
		o.Error = t.error.Error()
	}
	return o
}

// each calls f for 0..n-1, a few at a time, as far as it comes in floodTime.
func each(n, atOnce int, f func(i int)) {
	var all sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for i, began := 0, time.Now(); i < n && time.Since(began) < floodTime; i++ {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			f(i)
		})
	}
	all.Wait()
}

// actor is a process that plays a part.
type actor struct {
	t     testing.TB
	cmd   *exec.Cmd
	stdin io.WriteCloser
	said  chan outcome
}

// act starts an actor in s, on as many processors as the test has by -cpu.
func (s *space) act(t testing.TB, p part) *actor {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+string(text), fmt.Sprint("GOMAXPROCS=", runtime.GOMAXPROCS(0)))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.start(cmd); err != nil {
		t.Fatal(err)
	}
	a := &actor{t: t, cmd: cmd, stdin: stdin, said: make(chan outcome, 16)}
	go a.listen(stdout)
	t.Cleanup(a.end)
	return a
}

// listen passes on what the actor says.
func (a *actor) listen(stdout io.Reader) {
	defer close(a.said)
	for d := json.NewDecoder(stdout); ; {
		var o outcome
		if d.Decode(&o) != nil {
			return
		}
		a.said <- o
	}
}

// order tells the actor to do its part once more.
func (a *actor) order() {
	a.t.Helper()
	if _, err := io.WriteString(a.stdin, "\n"); err != nil {
		a.t.Fatal(err)
	}
}

// done waits for what the actor says next: that it has done its part.
func (a *actor) done(within time.Duration) outcome {
	a.t.Helper()
	select {
	case o, ok := <-a.said:
		if !ok {
			a.t.Fatal("an actor ended")
		}
		return o
	case <-time.After(within):
		a.t.Fatalf("an actor is not done after %v", within)
		return outcome{}
	}
}

// end releases everything that the actor holds.
func (a *actor) end() {
	if a.stdin == nil {
		return
	}
	_ = a.stdin.Close()
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
	a.stdin = nil
}
