// Package e2e tells the user's story to real processes: the command is built once, nodes listen on free loopback ports, and everything
// is asked over HTTP from outside.
package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startTime = 30 * time.Second // until a daemon says ready
	stopTime  = 20 * time.Second // until it is gone after SIGTERM
	settle    = 30 * time.Second // until what one node knows, all know
)

// kuai is the path of the command under test.
var kuai string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "kuai-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	kuai = filepath.Join(dir, "kuai")
	args := []string{"build", "-o", kuai}
	if raceEnabled {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "kuai/cmd/kuai")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build kuai: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// daemon is a node that can be stopped, killed and started again with the same directory and ports.
type daemon struct {
	t         testing.TB
	dir       string
	port, p2p int
	cmd       *exec.Cmd
	exited    chan struct{}
	out       *printed
	args      []string // of the present process
}

// printed collects what a process prints.
type printed struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	grown chan struct{} // of size one
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.grown <- struct{}{}:
	default:
	}
	return p.buf.Write(b)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.String()
}

// newDaemon reserves a directory and ports. It starts nothing.
func newDaemon(t testing.TB) *daemon {
	d := &daemon{t: t, dir: filepath.Join(t.TempDir(), "data"), port: freePort(t), p2p: freePort(t)}
	t.Cleanup(func() {
		d.kill()
		d.sane()
		if t.Failed() && d.out != nil {
			t.Logf("node on port %d:\n%s", d.port, tail(d.out.String(), 60))
		}
	})
	return d
}

// startDaemon starts a new node and waits until it is ready.
func startDaemon(t testing.TB, args ...string) *daemon {
	t.Helper()
	d := newDaemon(t)
	d.start(args...)
	return d
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func tail(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// command prepares a daemon's process. Its peers are on loopback and nobody else's nodes are found.
func (d *daemon) command(args ...string) *exec.Cmd {
	all := []string{"daemon", "-p", fmt.Sprint(d.port), "--data-dir", d.dir, "--mdns=false", "--listen", fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", d.p2p)}
	cmd := exec.Command(kuai, append(all, args...)...)
	cmd.Env = environment()
	return cmd
}

// environment is ours without what would configure a daemon.
func environment() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "KUAI_") {
			env = append(env, e)
		}
	}
	return env
}

// launch starts the process without waiting for it.
func (d *daemon) launch(args ...string) {
	d.t.Helper()
	d.args = args
	d.out = &printed{grown: make(chan struct{}, 1)}
	d.cmd = d.command(args...)
	d.cmd.Stdout, d.cmd.Stderr = d.out, d.out
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.exited = make(chan struct{})
	go func() { _ = d.cmd.Wait(); close(d.exited) }()
}

// start launches the process and waits for the line "ready".
func (d *daemon) start(args ...string) {
	d.t.Helper()
	d.launch(args...)
	late := time.After(startTime)
	for !strings.Contains(d.out.String(), "\nready\n") {
		select {
		case <-d.out.grown:
		case <-d.exited:
			d.t.Fatalf("the daemon ended: %v\n%s", d.cmd.ProcessState, d.out)
		case <-late:
			d.t.Fatalf("the daemon is not ready after %v:\n%s", startTime, d.out)
		}
	}
}

// restart starts the process again as it was.
func (d *daemon) restart() {
	d.t.Helper()
	d.start(d.args...)
}

// stop asks the process to end and checks that it does so cleanly.
func (d *daemon) stop() {
	d.t.Helper()
	if code := d.signal(syscall.SIGTERM); code != 0 {
		d.t.Fatalf("exit code %d after SIGTERM\n%s", code, tail(d.out.String(), 30))
	}
}

// signal sends s and returns the exit code.
func (d *daemon) signal(s syscall.Signal) int {
	d.t.Helper()
	if err := d.cmd.Process.Signal(s); err != nil {
		d.t.Fatal(err)
	}
	select {
	case <-d.exited:
	case <-time.After(stopTime):
		_ = d.cmd.Process.Signal(syscall.SIGQUIT) // its stacks say where it hangs
		<-d.exited
		d.t.Fatalf("still running %v after %v\n%s", stopTime, s, d.out)
	}
	return d.cmd.ProcessState.ExitCode()
}

// kill ends the process as a power cut would.
func (d *daemon) kill() {
	if d.cmd == nil || d.exited == nil {
		return
	}
	_ = d.cmd.Process.Kill()
	<-d.exited
}

// sane looks for what a process may print and no exit code tells of a killed one.
func (d *daemon) sane() {
	if d.out == nil {
		return
	}
	for _, word := range []string{"DATA RACE", "panic:", "fatal error:"} {
		if strings.Contains(d.out.String(), word) {
			d.t.Errorf("%s in a node:\n%s", word, d.out)
		}
	}
}

// url is the node's API.
func (d *daemon) url() string { return fmt.Sprintf("http://127.0.0.1:%d", d.port) }

// multiaddr is where peers connect to.
func (d *daemon) multiaddr() string { return d.node().Addresses[0] }

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
