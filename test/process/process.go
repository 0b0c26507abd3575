// Package process runs the real kuai command for the suites that look at it from outside.
//
//	func TestMain(m *testing.M) { os.Exit(process.Main(m)) } // builds it once
//
// A Process is a daemon that can be stopped, killed and started again. How its command looks, and where it is started, is the suite's.
package process

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// StartTime is how long a daemon may take to say that it is ready.
	StartTime = 30 * time.Second
	stopTime  = 20 * time.Second // until it is gone after SIGTERM
)

// Kuai is the path of the command under test, once Main has built it.
var Kuai string

// home is the home directory of commands that get none of their own: nodes of one user look for each other there, and the
// person who runs the tests may run nodes as well.
var home string

// Main builds the command as the tests are built, runs them, and returns the exit code.
func Main(m *testing.M) int { return build(m.Run) }

// build builds the command into a folder that is there while run runs.
func build(run func() int) int {
	dir, err := os.MkdirTemp("", "kuai-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	use(dir)
	if signal.Ignored(syscall.SIGHUP) { // as under nohup; a signal that is caught here is at its default in a child
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	args := []string{"build", "-o", Kuai}
	if Race {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "kuai/cmd/kuai")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build kuai: %v\n%s", err, out)
		return 1
	}
	return run()
}

// use takes the command from a folder.
func use(dir string) { Kuai, home = filepath.Join(dir, "kuai"), filepath.Join(dir, "home") }

// Process is a daemon and the present or last process of it.
type Process struct {
	Command func(args ...string) *exec.Cmd // makes a process that was not started yet
	Spawn   func(*exec.Cmd) error          // starts it; nil: here

	Cmd    *exec.Cmd     // nil before the first start
	Exited chan struct{} // closed when it is gone
	Out    *Printed      // what it has printed

	t    testing.TB
	args []string
}

// New returns a Process that was not started. When the test ends it is killed, and what it printed is looked at.
func New(t testing.TB, name string, command func(args ...string) *exec.Cmd) *Process {
	p := &Process{Command: command, t: t}
	t.Cleanup(func() {
		p.Kill()
		p.sane()
		if t.Failed() && p.Out != nil {
			t.Logf("%s:\n%s", name, tail(p.Out.String(), 60))
		}
	})
	return p
}

// Environment is ours without what would configure a daemon, and with a home directory that only this test binary uses.
// A later HOME= replaces that one.
func Environment() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "KUAI_") && !strings.HasPrefix(e, "XDG_") {
			env = append(env, e)
		}
	}
	return append(env, "HOME="+home)
}

// Command prepares the command under test in that environment.
func Command(args ...string) *exec.Cmd {
	cmd := exec.Command(Kuai, args...)
	cmd.Env = Environment()
	return cmd
}

// Launch starts the process without waiting for it.
func (p *Process) Launch(args ...string) {
	p.t.Helper()
	p.args = args
	p.Out = &Printed{grown: make(chan struct{}, 1)}
	p.Cmd = p.Command(args...)
	p.Cmd.Stdout, p.Cmd.Stderr = p.Out, p.Out
	spawn := p.Spawn
	if spawn == nil {
		spawn = (*exec.Cmd).Start
	}
	if err := spawn(p.Cmd); err != nil {
		p.t.Fatal(err)
	}
	exited := make(chan struct{})
	p.Exited = exited
	go func(cmd *exec.Cmd) { _ = cmd.Wait(); close(exited) }(p.Cmd)
}

// Start launches the process and waits until it is ready.
func (p *Process) Start(args ...string) {
	p.t.Helper()
	p.Launch(args...)
	p.Ready()
}

// Ready waits for the line "ready" of a process that was launched.
func (p *Process) Ready() {
	p.t.Helper()
	late := time.After(StartTime)
	for !strings.Contains(p.Out.String(), "\nready\n") {
		select {
		case <-p.Out.grown:
		case <-p.Exited:
			p.t.Fatalf("the daemon ended: %v\n%s", p.Cmd.ProcessState, p.Out)
		case <-late:
			p.t.Fatalf("the daemon is not ready after %v:\n%s", StartTime, p.Out)
		}
	}
}

// Restart starts the process again as it was.
func (p *Process) Restart() {
	p.t.Helper()
	p.Start(p.args...)
}

// Stop asks the process to end and checks that it does so cleanly.
func (p *Process) Stop() {
	p.t.Helper()
	if code := p.Signal(syscall.SIGTERM); code != 0 {
		p.t.Fatalf("exit code %d after SIGTERM\n%s", code, tail(p.Out.String(), 30))
	}
}

// Signal sends s, waits for the end and returns the exit code.
func (p *Process) Signal(s syscall.Signal) int {
	p.t.Helper()
	if err := p.Cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	return p.Ended()
}

// Ended waits for the end of a process that was told to end, and returns the exit code.
func (p *Process) Ended() int {
	p.t.Helper()
	select {
	case <-p.Exited:
	case <-time.After(stopTime):
		_ = p.Cmd.Process.Signal(syscall.SIGQUIT) // its stacks say where it hangs
		<-p.Exited
		p.t.Fatalf("still running after %v\n%s", stopTime, p.Out)
	}
	return p.Cmd.ProcessState.ExitCode()
}

// Kill ends the process as a power cut would.
func (p *Process) Kill() {
	if p.Cmd == nil || p.Exited == nil {
		return
	}
	_ = p.Cmd.Process.Kill()
	<-p.Exited
}

// sane looks for what a process may print and no exit code tells of a killed one.
func (p *Process) sane() {
	if p.Out == nil {
		return
	}
	for _, word := range []string{"DATA RACE", "panic:", "fatal error:"} {
		if strings.Contains(p.Out.String(), word) {
			p.t.Errorf("%s in a node:\n%s", word, p.Out)
		}
	}
}

func tail(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
