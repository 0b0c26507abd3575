package chain

import (
	"errors"
	"testing"
	"time"

	"kuai/chain/consensus"
)

// TestIDFilterLacksNothing: what was added it has, and of what was not it says so of at most one in a hundred.
func TestIDFilterLacksNothing(t *testing.T) {
	for _, n := range []int{0, 1, 100, 20_000} {
		f := filterForBlocks(n * 130)
		for range n {
			id := NewID()
			if f.add(id); !f.mayHave(id) {
				t.Fatalf("of %d: %s was added", n, id)
			}
		}
		wrong := 0
		for range 2000 {
			if f.mayHave(NewID()) {
				wrong++
			}
		}
		if wrong > 20 {
			t.Errorf("a filter of %d says of %d of 2000 others that it may have them", n, wrong)
		}
	}
	if f := filterForBlocks(1 << 40); len(f.lines) > maxFilterBytes/64+1 {
		t.Errorf("a filter has %d lines", len(f.lines))
	}
}

// TestStoredIDsAreGathered: after a start the ids of the store are known to be held before and after they are gathered, as are those that
// come meanwhile; an id that is nowhere is not looked up then.
func TestStoredIDsAreGathered(t *testing.T) {
	r, st := noZeros(), inMemory(t)
	first, err := Open(st, r, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	var held []consensus.Payment
	add := func(c *Chain) {
		p := somePayment(t)
		if _, err := c.Add(sealed(t, r, c.tip, "m", p.Transaction()), "peer"); err != nil {
			t.Fatal(err)
		}
		held = append(held, p)
	}
	for range 20 {
		add(first)
	}
	side := somePayment(t)
	if _, err := first.Add(sealed(t, r, r.Genesis.Header(), "side", side.Transaction()), "peer"); err != nil {
		t.Fatal(err)
	}
	c, err := Open(st, r, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		for _, p := range held {
			if _, err := c.Submit(p, "peer"); !errors.Is(err, ErrKnown) {
				t.Fatalf("%s is mined: %v", p.ID(), err)
			}
			if _, err := c.Add(sealed(t, r, c.tip, "twice", p.Transaction()), "peer"); refusedBy(err) != consensus.RuleDuplicateID {
				t.Fatalf("%s is mined twice: %v", p.ID(), err)
			}
		}
	}
	add(c)
	if c.stored.complete {
		t.Error("the ids of the store are known without being read")
	}
	check()
	if err := c.gatherIDs(t.Context()); err != nil {
		t.Fatal(err)
	}
	add(c)
	check()
	if !c.stored.complete || !c.stored.mayHave(side.ID()) {
		t.Error("an id of a side branch is not known")
	}
	if unknown := NewID(); c.stored.mayHave(unknown) && c.stored.mayHave(NewID()) && c.stored.mayHave(NewID()) {
		t.Error("ids that are nowhere are looked up")
	}
}

// TestStoredIDsPastTheirBounds: with more ids than the filters hold, all are looked up, also if the limit was passed while those of the
// store were gathered.
func TestStoredIDsPastTheirBounds(t *testing.T) {
	for _, filters := range []int{maxIDFilters, maxIDFilters + 1} {
		s := storedIDs{complete: true, filters: make([]*idFilter, filters)}
		s.add(NewID())
		if len(s.filters) != filters || !s.mayHave(NewID()) {
			t.Error("an id passed that was not added")
		}
	}
	r, st := noZeros(), inMemory(t)
	first := opened(t, st, r)
	p := somePayment(t)
	if _, err := first.Add(sealed(t, r, first.tip, "m", p.Transaction()), "peer"); err != nil {
		t.Fatal(err)
	}
	c := opened(t, st, r)
	c.stored.filters = make([]*idFilter, maxIDFilters)
	for i := range c.stored.filters {
		c.stored.filters[i] = newIDFilter(1)
	}
	late := somePayment(t)
	if _, err := c.Add(sealed(t, r, c.tip, "m", late.Transaction()), "peer"); err != nil {
		t.Fatal(err)
	}
	if err := c.gatherIDs(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []consensus.ID{p.ID(), late.ID()} {
		if !c.stored.mayHave(id) {
			t.Errorf("%s is held, and would not be looked up", id)
		}
	}
}
