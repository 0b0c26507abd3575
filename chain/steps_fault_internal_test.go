package chain

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kuai/chain/store"
)

// crossing is a chain with a branch beside it that the last block makes the longest: every switch goes in steps of one block.
type crossing struct {
	c    *Chain
	tip  Header
	all  []*Block // that are held
	last *Block
	ids  []ID // of all payments, pending or on the active chain
}

// newCrossing pads the blocks, so that each step is more than a page of the engine's log.
func newCrossing(t *testing.T, st *store.Store, padding int) *crossing {
	t.Helper()
	const deep = 6
	r := noZeros()
	x := &crossing{c: stepping(t, st, r, 1)}
	pay := func(id byte) Transaction {
		x.ids = append(x.ids, ID{2, id})
		return Transaction{Sender: "a", Recipient: "b", Amount: "0.1", ID: ID{2, id}, HasID: true}
	}
	for i := range byte(3) {
		if _, err := x.c.Submit(pay(100+i), "peer"); err != nil {
			t.Fatal(err)
		}
	}
	branch := func(name string, n, first byte) (blocks []*Block) {
		parent := r.Genesis.header
		for i := range n {
			ps := []Transaction{pay(first + i), pay(50 + i)}
			for range padding {
				ps = append(ps, Transaction{Sender: strings.Repeat(name, 250/len(name)), Recipient: "b", Amount: "1"})
			}
			blocks = append(blocks, sealed(t, r, parent, name, ps...))
			parent = blocks[i].header
		}
		return blocks
	}
	old := branch("old", deep, 0)
	known := len(x.ids)
	other := branch("other", deep+1, 20)
	x.ids = x.ids[:known]
	x.all, x.last = append(old, other[:deep]...), other[deep]
	for _, b := range x.all {
		if _, err := x.c.Add(b, "peer"); err != nil {
			t.Fatal(err)
		}
	}
	x.tip = old[deep-1].header
	return x
}

// unmoved checks that readers see what was before the switch.
func (x *crossing) unmoved(t *testing.T) {
	t.Helper()
	c := x.c
	if snap := c.Snapshot(); c.Tip() != x.tip || snap.Tip() != x.tip {
		t.Errorf("the tip is %d, the snapshot's %d, want %d", c.Tip().Index, snap.Tip().Index, x.tip.Index)
	} else if err := snap.Close(); err != nil {
		t.Error(err)
	}
	for _, b := range x.all {
		if held, err := c.Block(b.Hash()); err != nil || held.Active != slices.Contains(x.all[:x.tip.Index-1], b) {
			t.Errorf("block %d: active %v, %v", b.Index(), held.Active, err)
		}
	}
	if c.Has(x.last.Hash()) {
		t.Error("the last block is held")
	}
	for _, id := range x.ids {
		if _, err := c.Transaction(id); err != nil {
			t.Errorf("payment %s: %v", id, err)
		}
	}
	if n, _ := c.PoolSize(); n != 3 {
		t.Errorf("%d payments are pending, want 3", n)
	}
	if forks := c.Forks(); len(forks) != 1 || forks[0].Tip != x.all[len(x.all)-1].header {
		t.Errorf("the forks are %v", forks)
	}
	if err := c.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if events, _ := c.Events(0); slices.ContainsFunc(events, func(e Event) bool { return e.Kind == EventReorg }) {
		t.Error("a switch is told of")
	}
}

// TestUnreadableBlockStopsNoSwitchOnTheWay: a block that a switch in steps would lower or raise cannot be read. Nothing is changed.
func TestUnreadableBlockStopsNoSwitchOnTheWay(t *testing.T) {
	for name, damage := range map[string]func(b *store.Batch){
		"lowered, damaged": func(b *store.Batch) { b.SetBlock(store.Place{Index: 3}, store.Origin{}, []byte("?")) },
		"lowered, missing": func(b *store.Batch) { b.DeleteBlock(store.Place{Index: 3}) },
		"raised, damaged":  func(b *store.Batch) { b.SetBlock(store.Place{Branch: 1, Index: 3}, store.Origin{}, []byte("?")) },
		"raised, missing":  func(b *store.Batch) { b.DeleteBlock(store.Place{Branch: 1, Index: 3}) },
	} {
		x := newCrossing(t, inMemory(t), 0)
		b := x.c.store.NewBatch()
		defer b.Close()
		damage(b)
		if err := x.c.store.Apply(b); err != nil {
			t.Fatal(err)
		}
		keys := func() (all string) {
			err := x.c.store.Dump(func(key, value []byte) { all += fmt.Sprintf("%x %x\n", key, value) })
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		before, last := keys(), x.c.LastEvent()
		if _, err := x.c.Add(x.last, "peer"); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if keys() != before || x.c.Tip() != x.tip || x.c.LastEvent() != last || x.c.Err() != nil {
			t.Errorf("%s: something changed: the tip is %d, %v", name, x.c.Tip().Index, x.c.Err())
		}
	}
}

// full is a disk that takes no more after a number of writes.
type full struct {
	left   atomic.Int64
	failed atomic.Bool
}

func (f *full) String() string { return "full" }

// MaybeError implements errorfs.Injector.
func (f *full) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || f.left.Add(-1) >= 0 {
		return nil
	}
	f.failed.Store(true)
	return errorfs.ErrInjected
}

// TestDiskFullOnTheWay fails each write of a switch in steps in turn, and all that follow. Readers see what was before; the next start
// goes the rest of the way.
func TestDiskFullOnTheWay(t *testing.T) {
	const padding, many = 110, 1 << 40
	stopped := 0
	for at := int64(0); ; at++ {
		f, disk := new(full), vfs.NewMem()
		f.left.Store(many)
		st, err := store.OpenOn(errorfs.Wrap(disk, f), "data", 128<<10)
		if err != nil {
			t.Fatal(err)
		}
		x := newCrossing(t, st, padding)
		if err := x.c.Sync(); err != nil {
			t.Fatal(err)
		}
		f.left.Store(at)
		_, err = x.c.Add(x.last, "peer")
		switch {
		case err == nil && x.c.Tip() != x.last.header:
			t.Errorf("after write %d failed: the tip is %d", at, x.c.Tip().Index)
		case err != nil:
			stopped++
			if !errors.Is(x.c.Err(), ErrFailed) || !errors.Is(x.c.Sync(), ErrFailed) {
				t.Errorf("after write %d failed: %v", at, x.c.Err())
			}
			x.unmoved(t)
		}
		if err := st.Close(); err != nil && !f.failed.Load() {
			t.Error(err)
		}
		if !f.failed.Load() {
			break
		}
		st, err = store.OpenOn(disk, "data", 128<<10)
		if err != nil {
			t.Fatal(err)
		}
		c := stepping(t, st, noZeros(), 1)
		if tip := c.Tip(); tip != x.tip && tip != x.last.header {
			t.Errorf("after write %d failed and a restart the tip is %d", at, tip.Index)
		}
		for _, id := range x.ids {
			if _, err := c.Transaction(id); err != nil {
				t.Errorf("after write %d failed and a restart: payment %s: %v", at, id, err)
			}
		}
		if err := errors.Join(c.Verify(t.Context(), nil), c.Close(), st.Close()); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Logf("%d switches stopped on the way", stopped)
	if stopped == 0 {
		t.Error("no switch stopped on the way")
	}
}
