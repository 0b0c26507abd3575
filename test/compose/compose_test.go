// Package compose runs the repository's compose file in a real container engine.
package compose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kuai/test/process"
)

// TestMain builds the command that pays from this machine.
func TestMain(m *testing.M) { os.Exit(process.Main(m)) }

// project names what this run makes: containers, volumes, networks and the image.
var project = fmt.Sprintf("kuaitest%d", os.Getpid())

const (
	baseImage = "golang:1.26"
	upTime    = 20 * time.Minute // a build on a slow machine
	cmdTime   = 2 * time.Minute
)

// engine runs commands against the container engine.
type engine struct {
	t       *testing.T
	root    string
	compose []string // "docker compose" or "docker-compose"
	file    string   // the compose file under test
}

// newEngine skips the test where no engine answers.
func newEngine(t *testing.T) *engine {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{t: t, root: root}
	if out, err := e.try(cmdTime, "docker", "info"); err != nil {
		lacking(t, "no container engine answers: %v\n%s", err, out)
	}
	for _, words := range [][]string{{"docker", "compose"}, {"docker-compose"}} {
		if _, err := e.try(cmdTime, append(words, "version")...); err == nil {
			e.compose = words
			break
		}
	}
	if e.compose == nil {
		lacking(t, "neither docker compose nor docker-compose is here")
	}
	e.needBase()
	t.Cleanup(func() {
		if out, err := e.in(context.Background(), "docker", "image", "rm", project); err != nil {
			t.Logf("remove the image: %v\n%s", err, out)
		}
	})
	return e
}

// on returns the engine with a compose file of its own, whose nodes are on the network of that file.
func (e *engine) on(t *testing.T, network string) *engine {
	t.Helper()
	return &engine{t, e.root, e.compose, ownFile(t, filepath.Join(e.root, "docker-compose.yml"), network)}
}

func lacking(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// needBase gets the image that the Dockerfile builds on. Where no registry can be reached, one is made of this machine's Go.
func (e *engine) needBase() {
	if _, err := e.try(cmdTime, "docker", "image", "inspect", baseImage); err == nil {
		return
	}
	out, err := e.try(upTime, "docker", "pull", "-q", baseImage)
	if err == nil {
		return
	}
	e.t.Logf("%s cannot be pulled (%s): making a stand-in", baseImage, strings.TrimSpace(out))
	e.run(upTime, filepath.Join(e.root, "test/compose/golang-image.sh"), baseImage)
}

// try runs a command in the repository's root and returns what it prints.
func (e *engine) try(limit time.Duration, words ...string) (string, error) {
	ctx, cancel := context.WithTimeout(e.t.Context(), limit)
	defer cancel()
	return e.in(ctx, words...)
}

func (e *engine) in(ctx context.Context, words ...string) (string, error) {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir = e.root
	cmd.Env = append(os.Environ(), "KUAI_NETWORK=/network.json") // as a user names the file that the containers have
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("not done in time: %w", err)
	}
	return out.String(), err
}

// run is try for what must succeed.
func (e *engine) run(limit time.Duration, words ...string) string {
	e.t.Helper()
	out, err := e.try(limit, words...)
	if err != nil {
		e.t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
	return out
}

// words is a compose command on our project.
func (e *engine) words(args ...string) []string {
	return append(append([]string{}, e.compose...), append([]string{"-f", e.file, "--project-directory", e.root, "-p", project}, args...)...)
}

// up does what the README says, with a file and a project of its own, and takes all down at the end of the test.
func (e *engine) up() {
	e.t.Helper()
	e.t.Cleanup(func() {
		if e.t.Failed() {
			out, _ := e.in(context.Background(), e.words("logs", "--no-color", "--tail=60")...)
			e.t.Logf("%s", out)
		}
		e.down()
	})
	start := time.Now()
	e.run(upTime, e.words("up", "--build", "-d")...)
	e.t.Logf("%s up --build: %v", strings.Join(e.compose, " "), time.Since(start).Round(time.Second))
}

func (e *engine) down() {
	ctx, cancel := context.WithTimeout(context.Background(), cmdTime)
	defer cancel()
	if out, err := e.in(ctx, e.words("down", "-v", "--remove-orphans", "-t", "10")...); err != nil {
		e.t.Errorf("compose down: %v\n%s", err, out)
	}
}

// container returns the id of a service's container.
func (e *engine) container(service string) string {
	e.t.Helper()
	id := strings.TrimSpace(e.run(cmdTime, e.words("ps", "-q", "-a", service)...))
	if id == "" || strings.ContainsAny(id, " \n") {
		e.t.Fatalf("containers of %s: %q", service, id)
	}
	return id
}

// inspect reads one thing about a container or image.
func (e *engine) inspect(id, format string) string {
	e.t.Helper()
	return strings.TrimSpace(e.run(cmdTime, "docker", "inspect", "-f", format, id))
}
