//go:build unix

package readme

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// documents are those whose sessions are run.
var documents = []string{"README.md", "docs/API.md", "docs/OPERATIONS.md", "docs/PROTOCOL.md", "docs/TEACHING.md", "docs/TUTORIAL.md"}

// inChinese are documents that have a Chinese twin (.zh-CN.md), which must show the same sessions.
var inChinese = []string{"README", "docs/TUTORIAL"}

const (
	stepTime  = 3 * time.Minute        // one command, a build from a full cache included
	readTime  = time.Minute            // how long a command that only reads may take to see what the document shows
	readPause = 200 * time.Millisecond // between two looks
)

func TestSameSessionsInBothLanguages(t *testing.T) {
	for _, name := range inChinese {
		english, err := Sessions(filepath.Join("../..", name+".md"))
		if err != nil {
			t.Fatal(err)
		}
		chinese, err := Sessions(filepath.Join("../..", name+".zh-CN.md"))
		if err != nil {
			t.Fatal(err)
		}
		if len(english) == 0 || len(english) != len(chinese) {
			t.Fatalf("%s shows %d sessions in English and %d in Chinese", name, len(english), len(chinese))
		}
		for i := range english {
			if e, c := steps(english[i]), steps(chinese[i]); e != c {
				t.Errorf("%s: session %d differs:\n%s\nand\n%s", name, i+1, e, c)
			}
		}
	}
}

func steps(s Session) string {
	var b strings.Builder
	for _, st := range s.Steps {
		fmt.Fprintf(&b, "$ %s\n%s\n", st.Command, strings.Join(st.Want, "\n"))
	}
	return s.Where + "\n" + b.String()
}

// TestDocuments runs what each document shows, as a reader would, on a machine of its own.
func TestDocuments(t *testing.T) {
	fillCache(t)
	for _, name := range documents {
		t.Run(name, func(t *testing.T) {
			sessions, err := Sessions(filepath.Join("../..", name))
			if err != nil {
				t.Fatal(err)
			}
			m := newMachine(t)
			for _, s := range sessions {
				switch s.Where {
				case "":
				case "flask":
					m.needFlask()
				default:
					continue // "docker": test/compose; "install": by hand
				}
				for _, step := range s.Steps {
					if err := m.run(step); err != nil {
						t.Fatalf("%s:%d: $ %s\n%v", name, step.Line, step.Command, err)
					}
				}
			}
		})
	}
}

// fillCache builds the command once, out here: with empty caches that takes minutes, and downloads what a namespace cannot reach.
func fillCache(t *testing.T) {
	t.Helper()
	build := exec.Command("go", "build", "-o", t.TempDir(), "./cmd/kuai")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build ./cmd/kuai: %v\n%s", err, out)
	}
}

// machine runs commands in the repository's root, in a network namespace where the system allows one.
type machine struct {
	t      *testing.T
	prefix []string // words that enter the namespace
	env    []string
}

func newMachine(t *testing.T) *machine {
	m := &machine{t: t, env: environment(t)}
	// The namespace has a loopback and a pair of interfaces, so that multicast discovery has somewhere to go.
	script := "ip link set lo up && ip link add kuai0 type veth peer name kuai1 && ip addr add 198.18.0.1/24 dev kuai0 && ip link set kuai0 up && ip link set kuai1 up && echo up && exec sleep 1200"
	words := []string{"unshare", "--net", "sh", "-c", script}
	if os.Geteuid() != 0 {
		words = append([]string{"unshare", "--user", "--map-root-user"}, words[1:]...)
	}
	holder := exec.Command(words[0], words[1:]...)
	out, err := holder.StdoutPipe()
	if err == nil {
		err = holder.Start()
	}
	if err == nil {
		t.Cleanup(func() { _ = holder.Process.Kill(); _ = holder.Wait() })
		var line string
		if line, err = bufio.NewReader(out).ReadString('\n'); err == nil && line == "up\n" {
			m.prefix = []string{"nsenter", "--net", "--target", fmt.Sprint(holder.Process.Pid)}
			if os.Geteuid() != 0 {
				m.prefix = append(m.prefix, "--user", "--preserve-credentials")
			}
			return m
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("no network namespace can be made here: %v", err)
	}
	t.Skip("the documents' commands use fixed ports and multicast: they run in a network namespace (Linux, iproute2, util-linux), which this machine does not allow")
	return nil
}

// needFlask skips the test if the documents' python3 cannot run the tutorial's program. On CI that is a failure.
func (m *machine) needFlask() {
	m.t.Helper()
	out, err := m.output("python3 -c 'import flask, requests'")
	switch {
	case err == nil && len(out) == 0:
	case os.Getenv("CI") != "":
		m.t.Fatalf("no python3 with flask and requests: %v %s", err, out)
	default:
		m.t.Skip("no python3 with flask and requests: install Debian's python3-flask and python3-requests")
	}
}

func environment(t *testing.T) []string {
	var env []string
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOFLAGS", "GOPROXY"} {
		value, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, name+"="+strings.TrimSpace(string(value)))
	}
	home := t.TempDir()
	return append(env, "HOME="+home, "PATH="+os.Getenv("PATH"), "GOTOOLCHAIN=local", "LC_ALL=C.UTF-8")
}

func (m *machine) command(ctx context.Context, command string) *exec.Cmd {
	words := append(append([]string{}, m.prefix...), "bash", "-c", command)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir = "../.."
	cmd.Env = m.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

var (
	stays   = regexp.MustCompile(`\bkuai (daemon|join)\b|\btutorial\.py\b`)
	changes = regexp.MustCompile(`/mine|/transactions/new|-X |\bkuai (mine|send|import)\b`)
)

func (m *machine) run(step Step) error {
	if stays.MatchString(step.Command) {
		return m.start(step)
	}
	deadline := time.Now().Add(readTime)
	for {
		got, err := m.output(step.Command)
		if err == nil {
			err = Match(step.Want, got, false)
		}
		if err == nil || changes.MatchString(step.Command) || time.Now().After(deadline) {
			return err
		}
		time.Sleep(readPause) // a real process is on its way
	}
}

func (m *machine) output(command string) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), stepTime)
	defer cancel()
	out, err := m.command(ctx, command).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	return lines(out), nil
}

func lines(out []byte) []string {
	text := strings.TrimRight(string(out), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// start leaves a daemon or the tutorial's program running until the test ends, once it has printed what the document shows.
func (m *machine) start(step Step) error {
	ctx, cancel := context.WithCancel(context.Background())
	cmd := m.command(ctx, step.Command)
	var out printed
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		cancel()
		return err
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	m.t.Cleanup(func() { cancel(); <-done })
	deadline := time.After(stepTime)
	for {
		said := out.bytes()
		err := Match(step.Want, lines(said), true)
		if err == nil {
			return nil
		}
		if bytes.Contains(said, []byte("\nready\n")) {
			return fmt.Errorf("%w\n%s", err, said)
		}
		select {
		case <-done:
			return fmt.Errorf("it ended: %w\n%s", err, out.bytes())
		case <-deadline:
			return fmt.Errorf("%w\n%s", err, out.bytes())
		case <-time.After(readPause):
		}
	}
}

type printed struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.Write(b)
}

func (p *printed) bytes() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Clone(p.buf.Bytes())
}
