// Package e2e tells the user's story to real processes: the command is built once, nodes listen on free loopback ports, and everything
// is asked over HTTP from outside.
package e2e

import (
	"encoding/json"
	"fmt"
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
	network   network
	dir       string
	port, p2p int
}

// newDaemon reserves a directory and ports. It starts nothing.
func newDaemon(t testing.TB) *daemon { return newDaemonOn(t, classic) }

func newDaemonOn(t testing.TB, n network) *daemon {
	d := &daemon{t: t, network: n, dir: filepath.Join(t.TempDir(), "data"), port: process.FreePort(t), p2p: process.FreePort(t)}
	d.Process = process.New(t, fmt.Sprintf("node on port %d", d.port), d.command)
	return d
}

// startDaemon starts a new node and waits until it is ready.
func startDaemon(t testing.TB, args ...string) *daemon {
	t.Helper()
	return startDaemonOn(t, classic, args...)
}

func startDaemonOn(t testing.TB, n network, args ...string) *daemon {
	t.Helper()
	d := newDaemonOn(t, n)
	d.Start(args...)
	return d
}

// command prepares a daemon's process. Its peers are on loopback, and no other node is found: neither by multicast nor in the home
// directory, which is its own.
func (d *daemon) command(args ...string) *exec.Cmd {
	all := []string{"daemon", "-p", fmt.Sprint(d.port), "--data-dir", d.dir, "--mdns=false", "--listen", fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", d.p2p)}
	all = append(append(all, d.network.args...), args...)
	return with(process.Command(all...), "HOME="+filepath.Dir(d.dir))
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
