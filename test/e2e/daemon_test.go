// Package e2e tells the user's story to real processes: the command is built once, nodes listen on free loopback ports, and everything
// is asked over HTTP from outside.
package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"kuai/test/process"
)

const settle = time.Minute // until what one node knows, all know

func TestMain(m *testing.M) { os.Exit(process.Main(m)) }

// daemon is a node that can be stopped, killed and started again with the same directory and ports.
type daemon struct {
	*process.Process
	t         testing.TB
	dir       string
	port, p2p int
}

// newDaemon reserves a directory and ports. It starts nothing.
func newDaemon(t testing.TB) *daemon {
	d := &daemon{t: t, dir: filepath.Join(t.TempDir(), "data"), port: freePort(t), p2p: freePort(t)}
	d.Process = process.New(t, fmt.Sprintf("node on port %d", d.port), d.command)
	return d
}

// startDaemon starts a new node and waits until it is ready.
func startDaemon(t testing.TB, args ...string) *daemon {
	t.Helper()
	d := newDaemon(t)
	d.Start(args...)
	return d
}

// given are the ports that freePort has returned.
var given = make(map[int]bool)

// freePort returns a port that nobody listens on, and no other caller got. It is below those that systems give to whoever asks for
// any port, so that nobody gets it in between: a daemon listens later, and after each restart again.
func freePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := 10_000 + rand.IntN(20_000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		l.Close()
		if !given[port] {
			given[port] = true
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// command prepares a daemon's process. Its peers are on loopback and nobody else's nodes are found.
func (d *daemon) command(args ...string) *exec.Cmd {
	all := []string{"daemon", "-p", fmt.Sprint(d.port), "--data-dir", d.dir, "--mdns=false", "--listen", fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", d.p2p)}
	cmd := exec.Command(process.Kuai, append(all, args...)...)
	cmd.Env = process.Environment()
	return cmd
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
