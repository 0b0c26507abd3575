package e2e

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// kills is what CI can afford; docs/CONTRIBUTING.md has the long run.
var kills = flag.Int("kills", 50, "how often, at least, a test ends processes by kill -9")

// acknowledged is what a node has promised.
type acknowledged struct {
	mu       sync.Mutex
	blocks   []block
	payments []string
	next     int
}

// TestKill kills a node that mines and takes payments, again and again, and once more while it starts. What it has
// acknowledged must be there afterwards.
func TestKill(t *testing.T) {
	d := newDaemon(t)
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
		var b block
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
	var answer struct{ Transactions []payment }
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

func present(chain []block, b block) error {
	if int(b.Index) > len(chain) {
		return fmt.Errorf("acknowledged block %d is gone: the chain ends at %d", b.Index, len(chain))
	}
	got := chain[b.Index-1]
	if got.Proof != b.Proof || got.PreviousHash != b.PreviousHash || len(got.Transactions) != len(b.Transactions) {
		return errors.New("acknowledged block " + fmt.Sprint(b) + " is another one now: " + fmt.Sprint(got))
	}
	return nil
}
