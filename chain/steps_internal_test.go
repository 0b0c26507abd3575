package chain

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"kuai/chain/store"
)

// stepping is a chain whose switches all go in steps of one block, or none, with a clock that stands still.
func stepping(t *testing.T, st *store.Store, r *Rules, bytes int) *Chain {
	t.Helper()
	c, err := Open(st, r, func() time.Time { return time.Unix(1_800_000_000, 0) })
	if err != nil {
		t.Fatal(err)
	}
	c.switchBytes = bytes
	return c
}

func inMemory(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() }) // memory: nothing can fail
	return st
}

func noZeros() *Rules {
	r := Classic()
	r.Zeros = 0
	return r
}

// bushes makes n blocks on random blocks of a tree, in an order in which a chain takes them, with payments that meet again.
func bushes(t *testing.T, r *Rules, random *rand.Rand, n int) (blocks []*Block) {
	t.Helper()
	parents := []Header{r.Genesis.header}
	for i := range n {
		at := len(parents) - 1 - random.IntN(min(6, len(parents)))
		var ps []Transaction
		for _, id := range random.Perm(30)[:random.IntN(3)] {
			ps = append(ps, Transaction{Sender: "a", Recipient: fmt.Sprint(id % 3), Amount: "0.1", ID: ID{1, byte(id)}, HasID: true})
		}
		b := sealed(t, r, parents[at], fmt.Sprint(i), ps...)
		blocks, parents = append(blocks, b), append(parents, b.header)
	}
	return blocks
}

// TestStepsEndWhereOneBatchDoes takes the same blocks to a chain that switches in one batch and to one that switches in steps, and
// compares the whole stores after each.
func TestStepsEndWhereOneBatchDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 9))
	switches := 0
	for range 20 {
		r := noZeros()
		whole, steps := stepping(t, inMemory(t), r, MaxSwitchBytes), stepping(t, inMemory(t), r, 1)
		for i := range 10 {
			p := Transaction{Sender: "s", Recipient: "r", Amount: "1", ID: ID{1, byte(3 * i)}, HasID: true}
			for _, c := range []*Chain{whole, steps} {
				if _, err := c.Submit(p, "peer"); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i, b := range bushes(t, r, random, 40) {
			from := fmt.Sprint("peer-", i%5)
			_, want := whole.Add(b, from)
			_, err := steps.Add(b, from)
			if fmt.Sprint(err) != fmt.Sprint(want) || steps.tip != whole.tip {
				t.Fatalf("in steps the tip is %d, %v; in one batch %d, %v", steps.tip.Index, err, whole.tip.Index, want)
			}
			if a, b := steps.dump(t), whole.dump(t); a != b {
				t.Fatalf("in steps:\n%s\n\nin one batch:\n%s", a, b)
			}
		}
		if err := steps.Verify(t.Context(), nil); err != nil {
			t.Error(err)
		}
		events, _ := steps.Events(0)
		same, _ := whole.Events(0)
		for i, e := range events {
			if e.Kind == EventReorg {
				switches++
			}
			if w := same[i]; e.Kind != w.Kind || e.Header != w.Header || e.Old != w.Old || e.Returned != w.Returned || e.Dropped != w.Dropped {
				t.Errorf("event %+v, want %+v", e, w)
			}
		}
		steps = stepping(t, steps.store, r, 1)
		if steps.tip != whole.tip {
			t.Errorf("after a restart the tip is %d", steps.tip.Index)
		}
		err := steps.store.EachMined(func(id [16]byte, index int64, _ int) error {
			if !steps.filter.may(id) {
				t.Errorf("the filter denies a transaction of block %d", index)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if switches < 50 {
		t.Errorf("%d switches", switches)
	}
}

// TestStartGoesTheRestOfTheWay ends a switch after every number of steps, as a crash would, and opens the chain again.
func TestStartGoesTheRestOfTheWay(t *testing.T) {
	const deep = 6
	r := noZeros()
	pay := func(id byte) Transaction {
		return Transaction{Sender: "a", Recipient: "b", Amount: "0.1", ID: ID{2, id}, HasID: true}
	}
	var old, other []*Block
	a, b := r.Genesis.header, r.Genesis.header
	for i := range byte(deep) {
		old = append(old, sealed(t, r, a, "old", pay(i), pay(10+i)))
		other = append(other, sealed(t, r, b, "other", pay(10+i), pay(20+i)))
		a, b = old[i].header, other[i].header
	}
	last := sealed(t, r, b, "other", pay(30))
	want := ""
	for steps := 2*deep + 1; steps >= 0; steps-- {
		c := stepping(t, inMemory(t), r, 1)
		for _, block := range append(old[:deep:deep], other...) {
			if _, err := c.Add(block, "peer"); err != nil {
				t.Fatal(err)
			}
		}
		at, _, err := c.store.Place(b.Hash)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.hold(last, at, "peer", c.now()); err != nil {
			t.Fatal(err)
		}
		if at, _, err = c.store.Place(last.Hash()); err != nil {
			t.Fatal(err)
		}
		above, err := c.survey(c.sides.path(at), nil)
		if err != nil {
			t.Fatal(err)
		}
		for range steps {
			if _, err := c.step(last.header, above, c.now()); err != nil {
				t.Fatal(err)
			}
		}
		if (steps == 2*deep+1) != (c.tip == last.header) {
			t.Fatalf("after %d steps the tip is %d", steps, c.tip.Index)
		}
		c = stepping(t, c.store, r, 1)
		if err := c.Verify(t.Context(), nil); err != nil || c.tip != last.header {
			t.Errorf("after a crash at step %d the tip is %d: %v", steps, c.tip.Index, err)
		}
		if n, _ := c.PoolSize(); n != deep {
			t.Errorf("after a crash at step %d %d payments are pending", steps, n)
		}
		if got := c.dump(t); want == "" {
			want = got
		} else if got != want {
			t.Errorf("after a crash at step %d:\n%s\n\nwithout one:\n%s", steps, got, want)
		}
	}
}

// TestUnusedBatchForgetsItsSender: a switch that finds itself too large has named a new sender in a batch that is not applied.
func TestUnusedBatchForgetsItsSender(t *testing.T) {
	r := noZeros()
	c := stepping(t, inMemory(t), r, 1)
	x := sealed(t, r, r.Genesis.header, "x")
	y := sealed(t, r, r.Genesis.header, "y")
	z := sealed(t, r, y.header, "z")
	for i, b := range []*Block{x, y, z} {
		if _, err := c.Add(b, fmt.Sprint("peer-", i)); err != nil {
			t.Fatal(err)
		}
	}
	c = stepping(t, c.store, r, 1)
	if held, err := c.Block(z.Hash()); err != nil || held.From != "peer-2" || c.tip != z.header {
		t.Errorf("the block is from %q, %v", held.From, err)
	}
}
