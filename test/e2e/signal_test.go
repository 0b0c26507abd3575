package e2e

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"kuai/test/process"
)

// TestSignals stops by Ctrl-C, by what service managers send, by closing the terminal, and by Ctrl-\.
func TestSignals(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		d := startDaemon(t)
		if code := d.Signal(s); code != 0 {
			t.Errorf("exit code %d after %v\n%s", code, s, d.Out)
		}
		if _, err := os.Stat(filepath.Join(d.dir, "node.json")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("node.json after a clean stop by %v: %v", s, err)
		}
		if stacks := strings.Contains(d.Out.String(), "\ngoroutine "); stacks != (s == syscall.SIGQUIT) {
			t.Errorf("stacks after %v: %v", s, stacks)
		}
	}
}

// TestNohup: SIGHUP doesn't end a node that was started with SIGHUP ignored.
func TestNohup(t *testing.T) {
	d := newDaemon(t)
	command := d.Command
	d.Command = func(args ...string) *exec.Cmd {
		cmd := command(args...)
		cmd.Args, cmd.Path = append([]string{"sh", "-c", `trap '' HUP; exec "$@"`, "sh", cmd.Path}, cmd.Args[1:]...), "/bin/sh"
		return cmd
	}
	d.Start()
	if err := d.Cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	d.mine()
	d.Stop()
}

// TestSignalWhileStarting: a stop that comes before the node is ready is clean, too.
func TestSignalWhileStarting(t *testing.T) {
	d := newDaemon(t)
	d.Launch()
	process.Eventually(t, "the lock", process.StartTime, func() error { // which is taken after signals are handled
		_, err := os.Stat(filepath.Join(d.dir, "lock"))
		return err
	})
	d.Stop()
}

// TestRepeatedSignal: the signals of one stop don't cut it short, whichever come together.
func TestRepeatedSignal(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		d := startDaemon(t)
		for range 20 {
			_ = d.Cmd.Process.Signal(s) // it may have ended
		}
		<-d.Exited
		if code := d.Cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit code %d after many %v\n%s", code, s, d.Out)
		}
	}
}

// TestSecondSignalForces delays a stop by a request whose body never comes, and ends the node by more signals.
func TestSecondSignalForces(t *testing.T) {
	d := startDaemon(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(d.url(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /mine HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil { // "100 Continue": the handler waits for the body
		t.Fatal(err)
	}
	process.Eventually(t, "the end", process.StartTime, func() error {
		_ = d.Cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-d.Exited:
			return nil
		default:
			return errors.New("it runs")
		}
	})
	if status, ok := d.Cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGTERM {
		t.Errorf("it ended by itself: %v\n%s", d.Cmd.ProcessState, d.Out)
	}
	d.Start()
}

// TestLogReaderLeaves: a node whose output nobody reads any more lives on, and stops cleanly.
func TestLogReaderLeaves(t *testing.T) {
	d := newDaemon(t)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := d.command("--log-level", "debug")
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	reader.Close() // at once, so that the banner meets it
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	process.Eventually(t, "the node answers", process.StartTime, func() error {
		select {
		case err := <-exited:
			t.Fatalf("it ended: %v", err)
		default:
		}
		res, err := http.Get(d.url() + "/healthz")
		if err == nil {
			res.Body.Close()
		}
		return err
	})
	for range 3 {
		d.mine() // each is a line of the log
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-exited; err != nil {
		t.Errorf("its end: %v", err)
	}
	d.Start()
	if n := d.node(); n.Height != 4 {
		t.Errorf("block %d, want 4", n.Height)
	}
}
