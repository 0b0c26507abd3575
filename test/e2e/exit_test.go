package e2e

import (
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

// ends runs kuai to its end, and returns the exit code and what it printed.
func ends(t *testing.T, cmd *exec.Cmd) (int, string) {
	t.Helper()
	cmd.WaitDelay = time.Second
	kill := time.AfterFunc(process.StartTime, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// TestExitCodes makes each of the documented ends happen.
func TestExitCodes(t *testing.T) {
	a := startDaemon(t)
	a.mine()
	for _, c := range []struct {
		name string
		code int
		says []string
		cmd  func(d *daemon) *exec.Cmd
	}{
		{"unknown flag", 2, []string{"--prot"}, func(d *daemon) *exec.Cmd { return d.command("--prot", "1") }},
		{"unknown verb", 2, []string{"demon"}, func(*daemon) *exec.Cmd { return process.Command("demon") }},
		{"unknown variable", 2, []string{"KUAI_PROT"}, func(d *daemon) *exec.Cmd { return with(d.command(), "KUAI_PROT=1") }},
		{"open API", 2, []string{"0.0.0.0", "--insecure-api"}, func(d *daemon) *exec.Cmd { return d.command("--http-host", "0.0.0.0") }},
		{"directory in use", 3, []string{fmt.Sprint(a.Cmd.Process.Pid), a.dir, "started at"}, func(d *daemon) *exec.Cmd {
			d.dir = a.dir
			return d.command()
		}},
		{"HTTP port in use", 5, []string{fmt.Sprintf("127.0.0.1:%d", a.port), "--port"}, func(d *daemon) *exec.Cmd {
			d.port = a.port
			return d.command()
		}},
		{"peers' port in use", 5, []string{fmt.Sprint(a.p2p), "--listen"}, func(d *daemon) *exec.Cmd {
			d.p2p = a.p2p
			return d.command()
		}},
		{"no directory", 1, []string{"data directory"}, func(d *daemon) *exec.Cmd {
			d.dir = "/dev/null/data"
			return d.command()
		}},
		{"nobody answers", 1, []string{"127.0.0.1:1"}, func(*daemon) *exec.Cmd { return process.Command("health", "--api", "http://127.0.0.1:1") }},
		{"healthy on a port", 0, nil, func(*daemon) *exec.Cmd { return process.Command("health", "-p", fmt.Sprint(a.port)) }},
		{"healthy on the environment's port", 0, nil, func(*daemon) *exec.Cmd {
			return with(process.Command("health"), fmt.Sprintf("KUAI_PORT=%d", a.port))
		}},
		{"healthy", 0, nil, func(*daemon) *exec.Cmd { return process.Command("health", "--ready", "--api", a.url()) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out := ends(t, c.cmd(newDaemon(t)))
			if code != c.code {
				t.Errorf("exit code %d, want %d\n%s", code, c.code, out)
			}
			for _, word := range c.says {
				if !strings.Contains(out, word) {
					t.Errorf("nothing about %q in:\n%s", word, out)
				}
			}
		})
	}
	if n := a.node(); n.Height != 2 {
		t.Errorf("the node that was there first is at block %d", n.Height)
	}
}

func with(cmd *exec.Cmd, env ...string) *exec.Cmd {
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// TestDamaged spoils what a stopped node has on disk, one way after the other.
func TestDamaged(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, d *daemon) []string // returns more flags
	}{
		{"manifest", func(t *testing.T, d *daemon) []string { return overwrite(t, d, "store/MANIFEST-*") }},
		{"identity", func(t *testing.T, d *daemon) []string { return overwrite(t, d, "identity.key") }},
		{"another network's", func(t *testing.T, d *daemon) []string {
			file := filepath.Join(t.TempDir(), "other.json")
			text := `{"name": "other", "genesis": {"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 1.5, "transactions": []}}`
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return []string{"--network", file}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := startDaemon(t)
			d.mine()
			d.Stop()
			code, out := ends(t, d.command(c.spoil(t, d)...))
			if code != 4 {
				t.Errorf("exit code %d, want 4\n%s", code, out)
			}
			if !strings.Contains(out, d.dir) && !strings.Contains(out, "network") {
				t.Errorf("it does not say where:\n%s", out)
			}
		})
	}
}

// overwrite spoils the files that match.
func overwrite(t *testing.T, d *daemon, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(d.dir, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing matches %s in %s: %v", pattern, d.dir, err)
	}
	for _, f := range files {
		if err := os.WriteFile(f, []byte("spoilt"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return nil
}
