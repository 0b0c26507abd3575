package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNodesOfOneUser: nodes of one user on one machine meet without multicast, wherever they keep their data, or if they keep none.
// They listen on loopback only, so no multicast announcement could name an address of theirs.
func TestNodesOfOneUser(t *testing.T) {
	home := t.TempDir()
	start := func(args ...string) *daemon {
		d := newDaemon(t)
		command := d.Command
		d.Command = func(args ...string) *exec.Cmd {
			cmd := command(args...)
			cmd.Env = append(cmd.Env, "XDG_DATA_HOME="+home)
			return cmd
		}
		d.Start(append([]string{"--mdns=true"}, args...)...)
		return d
	}
	network := filepath.Join(t.TempDir(), "network.json")
	genesis := fmt.Sprintf(`{"index": 1, "previous_hash": "1", "proof": 100, "timestamp": %d.25, "transactions": []}`, os.Getpid())
	if err := os.WriteFile(network, fmt.Appendf(nil, `{"name": "one-user", "genesis": %s}`, genesis), 0o600); err != nil {
		t.Fatal(err)
	}
	a := start("--network", network)
	b := start("--network", network)
	c := start("--network", network, "--ephemeral")
	a.mine()
	agreed(t, a, b)
	agreed(t, a, c)
	for _, d := range []*daemon{a, b, c} {
		d.Stop()
	}
	if left, err := filepath.Glob(filepath.Join(home, "kuai", "running", "*", "*")); err != nil || len(left) > 0 {
		t.Errorf("still said to run: %q, %v", left, err)
	}
}

// TestNodesOfOneUserOnALoneMachine repeats that with loopback as the only network interface.
func TestNodesOfOneUserOnALoneMachine(t *testing.T) {
	const inside = `ip link set lo up && exec "$0" -test.run '^TestNodesOfOneUser$' -test.v`
	if err := exec.Command("unshare", "-rn", "ip", "link", "set", "lo", "up").Run(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no network namespaces here: %v", err)
		}
		t.Skipf("no network namespaces here: %v", err)
	}
	out, err := exec.Command("unshare", "-rn", "sh", "-c", inside, os.Args[0]).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestNodesOfOneUser") {
		t.Errorf("%v:\n%s", err, out)
	}
}
