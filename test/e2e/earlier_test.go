package e2e

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"kuai/rpc/api"
	"kuai/test/process"
)

var earlier = flag.String("earlier", "", "the commit whose program TestEarlierProgram joins with ours; none: the one before p2p or chain last changed")

// TestEarlierProgram lets a program of an earlier commit and ours be nodes of one network, each once as the one that was there first.
func TestEarlierProgram(t *testing.T) {
	program := buildEarlier(t)
	old := func(t *testing.T) *daemon {
		d := newDaemon(t)
		d.Command = func(args ...string) *exec.Cmd {
			cmd := d.command(args...)
			cmd.Path = program
			return cmd
		}
		return d
	}
	for _, c := range []struct {
		name          string
		first, second func(*testing.T) *daemon
	}{
		{"ours joins", old, func(t *testing.T) *daemon { return newDaemon(t) }},
		{"ours is joined", func(t *testing.T) *daemon { return newDaemon(t) }, old},
	} {
		t.Run(c.name, func(t *testing.T) { share(t, c.first(t), c.second(t), c.first(t)) })
	}
}

// share joins b to a, and a third node to b, and takes blocks and payments both ways by sync, pool, gossip and announcement.
func share(t *testing.T, a, b, third *daemon) {
	t.Helper()
	a.Start()
	a.mineMany(3)
	early := a.pay(1)

	b.Start("--peer", a.multiaddr())
	both := []*daemon{a, b}
	agreed(t, both...)
	everywhere(t, early, both, "pending")

	everywhere(t, a.pay(2), both, "pending")
	everywhere(t, b.pay(3), both, "pending")
	for _, d := range both {
		d.mine()
		agreed(t, both...)
	}
	everywhere(t, early, both, "mined")
	for k, d := range both { // blocks that are too large to travel whole
		ids := d.payMuch(1000 * (k + 1))
		everywhere(t, ids[len(ids)-1], both, "pending")
		d.mine()
		agreed(t, both...)
		everywhere(t, ids[0], both, "mined")
	}

	third.Start("--peer", b.multiaddr())
	all := []*daemon{a, b, third}
	agreed(t, all...)
	process.Eventually(t, "the third node heard of the first", settle, func() error {
		if n := third.node().Peers; n != 2 {
			return fmt.Errorf("%d peers", n)
		}
		return nil
	})
	b.mine()
	agreed(t, all...)
	sameChains(t, all)
	for _, d := range all {
		d.blamesNobody()
	}
}

// payMuch posts payments with the longest names that are allowed, numbered from a number on, which together fill a large block.
func (d *daemon) payMuch(from int) (ids []string) {
	d.t.Helper()
	for n := from; n < from+150; n++ {
		id := paymentID(n)
		body := api.Payment{Sender: strings.Repeat("a", 256), Recipient: strings.Repeat("b", 256), Amount: "5", ID: id}
		var answer api.Message
		if err := d.ask("POST", "/transactions/new", mustJSON(d.t, body), 201, &answer); err != nil {
			d.t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// blamesNobody fails the test if the node holds something against a peer.
func (d *daemon) blamesNobody() {
	d.t.Helper()
	var answer api.Peers
	d.get("/peers", &answer)
	for _, p := range answer.Peers {
		if p.Score < 0 {
			d.t.Errorf("port %d gives a peer, %s, the score %v", d.port, p.Agent, p.Score)
		}
	}
}

// buildEarlier builds the program of the earlier commit and returns its path. The test is skipped where there is no history.
func buildEarlier(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	commit := *earlier
	if commit == "" {
		commit = beforeLastChange(t, root)
	}
	commit, err = git(root, "rev-parse", "--verify", commit+"^{commit}")
	if err != nil {
		t.Skipf("the earlier commit is not in this clone: git fetch --unshallow may bring it: %v", err)
	}
	dir := t.TempDir()
	source, program := filepath.Join(dir, "source"), filepath.Join(dir, "kuai")
	if _, err := git(root, "clone", "--quiet", "--shared", "--no-checkout", root, source); err != nil {
		t.Fatal(err)
	}
	if _, err := git(source, "checkout", "--quiet", "--detach", commit); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", program, "./cmd/kuai") // as releases are: what is built once is cached
	build.Dir, build.Env = source, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build commit %s: %v\n%s", commit, err, out)
	}
	t.Logf("the earlier program is of commit %s", commit)
	return program
}

// beforeLastChange returns the newest commit whose p2p or chain is not that of this directory.
func beforeLastChange(t *testing.T, root string) string {
	t.Helper()
	changed, err := git(root, "status", "--porcelain", "--", "p2p", "chain")
	if err != nil {
		t.Skipf("no history of this directory: %v", err)
	}
	if changed != "" {
		return "HEAD"
	}
	last, err := git(root, "rev-list", "-1", "HEAD", "--", "p2p", "chain")
	if err != nil {
		t.Fatal(err)
	}
	return last + "~1"
}

// git runs a command of git in a directory and returns what it prints.
func git(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C")
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return "", errors.Join(fmt.Errorf("git %s: %w", strings.Join(args, " "), err), errors.New(strings.TrimSpace(problem.String())))
	}
	return strings.TrimSpace(out.String()), nil
}
