package flask

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"

	"kuai/test/process"
)

func TestMain(m *testing.M) { os.Exit(process.Main(m)) }

// graded is what 'kuai grade --json' prints, as far as it is looked at.
type graded struct {
	Points, Of int
	Checks     []struct {
		ID, Why string
		Passed  bool
	}
}

// grade runs the command on a node and returns the checks that the node has lost.
func grade(t *testing.T, url string) (lost []string) {
	t.Helper()
	out, err := process.Command("grade", url, "--json").Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var g graded
	if err := json.Unmarshal(out, &g); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, c := range g.Checks {
		if !c.Passed {
			lost = append(lost, c.ID)
			t.Logf("%s: %s", c.ID, c.Why)
		}
	}
	if g.Of == 0 || g.Points != g.Of-len(lost) || (exit == nil) != (lost == nil) || exit != nil && exit.ExitCode() != 1 {
		t.Errorf("%d of %d points, lost %v, ended with %v", g.Points, g.Of, lost, err)
	}
	return lost
}

// TestGradeOfTheTutorial is the score that the documents give.
func TestGradeOfTheTutorial(t *testing.T) {
	want := []string{"claimed-length", "foreign-genesis", "minted-reward", "lost-payments", "head-mines", "parallel-mining", "dead-neighbour"}
	for _, genesis := range []string{Now, Classic} {
		if lost := grade(t, Start(t, genesis).URL); !slices.Equal(lost, want) {
			t.Errorf("with the genesis %s the tutorial's program lost %v, want %v", genesis, lost, want)
		}
	}
}

// TestGradeOfKuai grades a daemon twice: it is in order afterwards.
func TestGradeOfKuai(t *testing.T) {
	port := process.FreePort(t)
	p := process.New(t, "kuai", process.Command)
	p.Start("daemon", "-p", fmt.Sprint(port), "--p2p-port", "0", "--ephemeral", "--mdns=false")
	for range 2 {
		if lost := grade(t, fmt.Sprintf("http://127.0.0.1:%d", port)); lost != nil {
			t.Errorf("kuai lost %v", lost)
		}
	}
	p.Stop()
}
