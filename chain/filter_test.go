package chain

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"kuai/chain/store"
)

// TestFilterNeverDenies: every id of the active chain is known to the filter, also after switches and restarts at any moment.
// An id that it denied could be mined twice.
func TestFilterNeverDenies(t *testing.T) {
	r := Classic()
	r.Zeros = 0
	st, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var c *Chain
	open := func() {
		t.Helper()
		if c, err = Open(st, r, time.Now); err != nil {
			t.Fatal(err)
		}
		err := c.store.EachMined(func(id [16]byte, index int64, _ int) error {
			if !c.filter.may(id) {
				t.Errorf("the filter denies a transaction of block %d", index)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	open()
	pay := func(parent Header, n, each int, name string) Header {
		t.Helper()
		for range n {
			ps := make([]Transaction, each)
			for i := range ps {
				ps[i] = Transaction{Sender: "a", Recipient: "b", Amount: "1", ID: NewID(), HasID: true}
			}
			b := sealed(t, r, parent, name, ps...)
			if _, err := c.Add(b, ""); err != nil {
				t.Fatal(err)
			}
			parent = b.header
		}
		return parent
	}
	a := pay(r.Genesis.header, 3, 1500, "a") // past one record, and a part of the next
	open()
	pay(r.Genesis.header, 4, 5, "few") // replaces what the record covers, by few ids
	open()
	b := pay(r.Genesis.header, 5, 1500, "b")
	open()
	a = pay(a, 3, 10, "a")
	open()
	b = pay(b, filterStep+1, 0, "b") // a record by the number of blocks alone
	if c.filter.records < 3 {
		t.Errorf("%d records", c.filter.records)
	}
	open()
	pay(b, 1, 1, "b")
	if c.filter.covered < filterStep {
		t.Errorf("the records cover %d blocks, the chain has %d", c.filter.covered, c.tip.Index)
	}
	open()
	_ = a
}

// TestFilterSparesLookups: of ids that are nowhere, few are looked up; past its bound the filter sends all to the store.
func TestFilterSparesLookups(t *testing.T) {
	var f idFilter
	const rounds, asked = 250_000, 10_000
	most := 0
	random := rand.NewChaCha8([32]byte{1})
	draw := func() (id ID) {
		_, _ = random.Read(id[:]) // never fails
		return id
	}
	alarms := func() (n int) {
		for range asked {
			if f.may(draw()) {
				n++
			}
		}
		return n
	}
	for !f.full {
		for range rounds {
			f.add(draw())
		}
		f.pending = f.pending[:0]
		n := alarms()
		if f.full {
			break
		}
		if most = max(most, n); n > asked/200 {
			t.Fatalf("%d of %d new ids are looked up with %d layers", n, asked, len(f.layers))
		}
		if f.bytes > maxFilterBytes {
			t.Fatalf("the filter has %d bytes", f.bytes)
		}
	}
	t.Logf("at most %d of %d new ids were looked up in vain", most, asked)
	if n := alarms(); n != asked || f.bytes != 0 {
		t.Errorf("past its bound it sends %d of %d to the store and keeps %d bytes", n, asked, f.bytes)
	}
}

// TestFullFilterThroughSwitches: a filter that is full keeps no ids. After a switch below the blocks that its records cover, in one
// batch or in steps and ended on the way, the next start opens, and knows the ids of the new branch.
func TestFullFilterThroughSwitches(t *testing.T) {
	for name, lowered := range map[string]bool{"a whole switch": false, "a crash on the way": true} {
		r := noZeros()
		c := stepping(t, inMemory(t), r, MaxSwitchBytes)
		pay := func(parent Header, n, each int) Header {
			t.Helper()
			for range n {
				ps := make([]Transaction, each)
				for i := range ps {
					ps[i] = Transaction{Sender: "a", Recipient: "b", Amount: "1", ID: NewID(), HasID: true}
				}
				b := sealed(t, r, parent, "m", ps...)
				if _, err := c.Add(b, ""); err != nil {
					t.Fatal(err)
				}
				parent = b.header
			}
			return parent
		}
		low := pay(r.Genesis.header, 1, 1)
		old := pay(low, 5, 1500)
		if c.filter.covered <= low.Index {
			t.Fatalf("the records cover %d blocks", c.filter.covered)
		}
		side := pay(low, 4, 1)
		c.filter = idFilter{full: true, records: c.filter.records, covered: c.filter.covered}
		if lowered {
			s := c.newSwitching(path{{Index: low.Index}}, c.now())
			s.tip = low
			if err := errors.Join(s.lower(), s.commit()); err != nil {
				t.Fatal(err)
			}
			s.batch.Close()
		} else if pay(side, 2, 1); c.tip.Index <= old.Index {
			t.Fatal("no switch")
		}
		c = stepping(t, c.store, r, MaxSwitchBytes)
		err := c.store.EachMined(func(id [16]byte, index int64, _ int) error {
			if !c.filter.may(id) {
				t.Errorf("%s: the filter denies a transaction of block %d", name, index)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
