package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/rpc/api"
	"kuai/test/process"
)

// quickNetwork is a network file: its proofs take microseconds.
const quickNetwork = `{"name": "quick", "zeros": 1,
	"genesis": {"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 1790000000.0, "transactions": []}}`

// TestKillAdopting kills a node again and again while it takes over the longer chain of another, which drops blocks that it has
// mined itself, and while it starts. What it has acknowledged must not be lost: a payment is mined or pending, once; a block
// stays until a longer chain has replaced it.
func TestKillAdopting(t *testing.T) {
	const length, own = 30_000, 41 // blocks of the rival, and those that live mines
	rival := newDaemon(t)
	file := filepath.Join(t.TempDir(), "quick.json")
	if err := os.WriteFile(file, []byte(quickNetwork), 0o600); err != nil {
		t.Fatal(err)
	}
	fill(t, rival.dir, length)
	rival.Start("--network", file)
	long := rival.chain()
	rounds, between, payments := *kills/2, 0, 0

	var v *victim
	for round := range rounds {
		if v == nil {
			v = &victim{daemon: newDaemon(t), network: file}
			v.alone, v.beside = v.p2p, process.FreePort(t)
			v.said.next = round * 1000 // the rival's pool remembers the others'
		}
		grown := v.live(t, long, round)
		v.dieAdopting(rival, grown, round)
		v.startAlone()
		if height := len(v.chain()); height+own >= len(long) { // with what it mines next it would be longer than the rival
			payments += v.finish(t, rival, long, round)
			v = nil
		} else {
			v.check(t, long, round)
			v.Kill()
			if height > grown {
				between++
			}
		}
	}
	if v != nil {
		v.startAlone()
		payments += v.finish(t, rival, long, rounds)
	}
	t.Logf("%d rounds, %d of them ended between the first block adopted and the last; %d payments, none lost", rounds, between, payments)
	if between == 0 || payments < rounds {
		t.Errorf("%d kills met a sync, %d payments were acknowledged: nothing is shown", between, payments)
	}
}

// fill writes a chain into the directory of a node that has not started.
func fill(t *testing.T, dir string, blocks int) {
	t.Helper()
	rules, err := consensus.ReadRules([]byte(quickNetwork))
	if err != nil {
		t.Fatal(err)
	}
	c, shut := chaintest.OpenDisk(t, rules, filepath.Join(dir, "store"))
	defer shut()
	chaintest.Grow(t, c, blocks)
}

// victim is a node that is killed.
type victim struct {
	*daemon
	network string
	said    acknowledged

	alone, beside int // ports for peers: the rival remembers where the node listened beside it, and dials that
}

// startAlone starts the node where the rival does not find it: what is read of it must not change meanwhile.
func (v *victim) startAlone() {
	v.t.Helper()
	v.p2p = v.alone
	v.Start("--network", v.network)
}

// live starts the node alone, mines and pays, kills it, and returns its height.
func (v *victim) live(t *testing.T, long []api.Block, round int) int {
	t.Helper()
	v.startAlone()
	v.check(t, long, round)
	var message api.Message
	for range 2 {
		for range 3 {
			v.said.next++
			v.said.payments = append(v.said.payments, v.pay(v.said.next))
		}
		if err := v.ask("POST", "/mine", []byte(`{"blocks": 20}`), 200, &message); err != nil {
			t.Fatal(err)
		}
	}
	v.said.blocks = append(v.said.blocks, v.mine())
	v.said.next++
	v.said.payments = append(v.said.payments, v.pay(v.said.next)) // stays pending
	height := len(v.chain())
	v.Kill()
	return height
}

// dieAdopting starts the node, whose height is known, beside the rival and kills it: while it still starts, some time after it
// has begun to sync, or some time after it has adopted a block.
func (v *victim) dieAdopting(rival *daemon, height, round int) {
	v.t.Helper()
	v.p2p = v.beside
	v.Launch("--network", v.network, "--peer", rival.multiaddr(), "--log-level", "debug")
	switch round % 4 {
	case 0:
		process.Eventually(v.t, "a sync", settle, func() error {
			if !strings.Contains(v.Out.String(), "sync started") {
				return errors.New("none has started")
			}
			return nil
		})
	case 1, 2:
		process.Eventually(v.t, "a block of the rival", settle, func() error {
			var n api.Node
			if err := v.ask("GET", "/node", nil, 200, &n); err != nil || n.Height <= int64(height) {
				return fmt.Errorf("it is at block %d of its own: %v", n.Height, err)
			}
			return nil
		})
	}
	<-time.After(time.Duration(rand.IntN(60)) * time.Millisecond) // anywhere in the middle
	v.Kill()
}

// check compares what was promised with what is there. A block that was promised may be gone only where the rival's longer chain
// has taken its place.
func (v *victim) check(t *testing.T, long []api.Block, round int) {
	t.Helper()
	here := v.chain()
	if tip := len(here); tip <= len(long) && fmt.Sprint(here[tip-1]) == fmt.Sprint(long[tip-1]) {
		for _, b := range v.said.blocks {
			if tip <= int(b.Index) {
				t.Fatalf("round %d: block %d of its own was acknowledged, and the tip is the rival's block %d: that is no longer chain", round, b.Index, tip)
			}
		}
		v.said.blocks = nil
	}
	v.said.check(t, v.daemon, round)
}

// finish lets the node adopt the whole chain, looks at its payments, mines and verifies. It returns how many payments were promised.
func (v *victim) finish(t *testing.T, rival *daemon, long []api.Block, round int) int {
	t.Helper()
	v.check(t, long, round)
	v.Stop()
	v.p2p = v.beside
	v.Start("--network", v.network, "--peer", rival.multiaddr())
	agreed(t, rival, v.daemon)
	v.check(t, long, round)
	v.Stop()
	out, err := process.Command("verify", "--network", v.network, "--data-dir", v.dir).CombinedOutput()
	if err != nil || !strings.Contains(string(out), fmt.Sprint(len(long))) {
		t.Fatalf("verify: %v\n%s", err, out)
	}
	return len(v.said.payments)
}
