package e2e

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"kuai/rpc/api"
)

// kills is what CI can afford; docs/CONTRIBUTING.md has the long run.
var kills = flag.Int("kills", 50, "how often, at least, a test ends processes by kill -9")

// acknowledged is what a node has promised.
type acknowledged struct {
	mu       sync.Mutex
	blocks   []api.Forged
	payments []string
	next     int
}

// TestKill kills a node that mines and takes payments, again and again, and once more while it starts. What it has
// acknowledged must be there afterwards.
func TestKill(t *testing.T) { onEachProfile(t, killStory) }

func killStory(t *testing.T, n network) {
	d := newDaemonOn(t, n)
	var said acknowledged
	rounds := *kills / 2
	for round := range rounds {
		d.Launch()
		<-time.After(time.Duration(rand.IntN(60)) * time.Millisecond) // anywhere in the recovery
		d.Kill()
		d.Start("--mine", "manual")
		said.check(t, d, round)
		said.work(t, d, time.Duration(20+rand.IntN(250))*time.Millisecond)
	}
	d.Start()
	said.check(t, d, rounds)
	if len(said.blocks) < rounds || len(said.payments) < rounds {
		t.Fatalf("only %d blocks and %d payments were acknowledged: nothing is shown", len(said.blocks), len(said.payments))
	}
	t.Logf("%d blocks and %d payments acknowledged, none lost in %d kills", len(said.blocks), len(said.payments), 2*rounds)
	d.Stop()
}

// work mines and pays from several sides until the node is killed, some time after its first block.
func (a *acknowledged) work(t *testing.T, d *daemon, life time.Duration) {
	t.Helper()
	first := make(chan struct{}, 1)
	var sides sync.WaitGroup
	sides.Go(func() { a.mine(t, d, first) })
	for range 2 {
		sides.Go(func() { a.pay(d) })
	}
	select {
	case <-first:
	case <-time.After(settle):
		t.Errorf("no block within %v", settle)
	}
	<-time.After(life) // anywhere in the middle
	d.Kill()
	sides.Wait()
}

func (a *acknowledged) mine(t *testing.T, d *daemon, first chan<- struct{}) {
	for {
		var b api.Forged
		if err := d.ask("GET", "/mine", nil, 200, &b); err != nil {
			return // killed
		}
		select {
		case first <- struct{}{}:
		default:
		}
		a.mu.Lock()
		a.blocks = append(a.blocks, b)
		a.mu.Unlock()
	}
}

func (a *acknowledged) pay(d *daemon) {
	for {
		a.mu.Lock()
		a.next++
		id := paymentID(a.next)
		a.mu.Unlock()
		if err := d.tryPay(id); err != nil {
			return
		}
		a.mu.Lock()
		a.payments = append(a.payments, id)
		a.mu.Unlock()
	}
}

// check compares what was promised with what is there.
func (a *acknowledged) check(t *testing.T, d *daemon, round int) {
	t.Helper()
	chain := d.chain()
	for _, b := range a.blocks {
		if err := present(chain, b); err != nil {
			t.Errorf("after kill %d: %v", round, err)
		}
	}
	count := make(map[string]int)
	for _, b := range chain {
		for _, tx := range b.Transactions {
			count[tx.ID]++
		}
	}
	for _, id := range a.pendingAll(d) {
		count[id]++
	}
	for _, id := range a.payments {
		if count[id] != 1 {
			t.Errorf("after kill %d: payment %s is there %d times", round, id, count[id])
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// pendingAll reads all pages of the pool.
func (a *acknowledged) pendingAll(d *daemon) []string {
	d.t.Helper()
	var answer api.Pending
	var ids []string
	for from := 1; ; from += len(answer.Transactions) {
		answer.Transactions = nil
		d.get(fmt.Sprintf("/transactions/pending?from=%d&limit=1000", from), &answer)
		if len(answer.Transactions) == 0 {
			return ids
		}
		for _, tx := range answer.Transactions {
			ids = append(ids, tx.ID)
		}
	}
}

func present(chain []api.Block, b api.Forged) error {
	if int(b.Index) > len(chain) {
		return fmt.Errorf("acknowledged block %d is gone: the chain ends at %d", b.Index, len(chain))
	}
	got := chain[b.Index-1]
	if got.Proof != b.Proof || got.PreviousHash != b.PreviousHash || len(got.Transactions) != len(b.Transactions) {
		return errors.New("acknowledged block " + fmt.Sprint(b) + " is another one now: " + fmt.Sprint(got))
	}
	return nil
}

// received is what a test has seen at a follower, and when it saw it first.
type received struct {
	height   map[int64]time.Time
	payments map[string]time.Time
}

// TestKillFollower kills a node that receives blocks and payments from another, which is then stopped, so that nothing can be fetched
// again. What the test saw at the follower more than a second before the kill must be there afterwards.
func TestKillFollower(t *testing.T) { onEachProfile(t, killFollowerStory) }

func killFollowerStory(t *testing.T, n network) {
	leader, follower := startDaemonOn(t, n), newDaemonOn(t, n)
	seen := received{map[int64]time.Time{}, map[string]time.Time{}}
	paid := 0
	for round := range max(2, *kills/10) {
		follower.Start("--peer", leader.url())
		agreed(t, leader, follower)
		end := time.Now().Add(time.Duration(1200+rand.IntN(1000)) * time.Millisecond)
		for time.Now().Before(end) { // it is busy, or has been idle for a while: the last round of work may end long before the kill
			if round%2 == 0 || time.Until(end) > 1100*time.Millisecond {
				paid++
				leader.pay(paid)
				if paid%5 == 0 {
					leader.mine()
				}
			}
			seen.look(t, follower, paid)
		}
		killed := time.Now()
		follower.Kill()
		leader.Stop()
		follower.Start()
		seen.check(t, follower, killed)
		follower.Stop()
		leader.Restart()
	}
	t.Logf("%d blocks and %d payments were seen at the follower", len(seen.height), len(seen.payments))
}

// look notes what the follower has now.
func (r *received) look(t *testing.T, d *daemon, paid int) {
	t.Helper()
	if h := d.node().Height; r.height[h].IsZero() {
		r.height[h] = time.Now()
	}
	for n := paid; n > 0 && r.payments[paymentID(n)].IsZero(); n-- {
		if d.ask("GET", "/transactions/"+paymentID(n), nil, 200, &api.TransactionInfo{}) == nil {
			r.payments[paymentID(n)] = time.Now()
		}
	}
}

// check finds what was there a second before the kill.
func (r *received) check(t *testing.T, d *daemon, killed time.Time) {
	t.Helper()
	const most = time.Second
	now := d.node().Height
	for height, at := range r.height {
		if killed.Sub(at) > most && height > now {
			t.Errorf("block %d was there %v before the kill; the chain now ends at %d", height, killed.Sub(at), now)
		}
	}
	for id, at := range r.payments {
		err := d.ask("GET", "/transactions/"+id, nil, 200, &api.TransactionInfo{})
		if killed.Sub(at) > most && err != nil {
			t.Errorf("payment %s was there %v before the kill: %v", id, killed.Sub(at), err)
		}
		if err != nil {
			delete(r.payments, id) // it comes again from the leader
		}
	}
}
