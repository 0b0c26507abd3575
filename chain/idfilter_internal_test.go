package chain

import (
	"testing"
)

// TestIDFilterLacksNothing: what was added it has, and of what was not it says so of at most one in twenty.
func TestIDFilterLacksNothing(t *testing.T) {
	for _, n := range []int{0, 1, 100, 20_000} {
		f := newIDFilter(n * 130)
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
		if wrong > 100 {
			t.Errorf("a filter of %d says of %d of 2000 others that it may have them", n, wrong)
		}
	}
	if f := newIDFilter(1 << 40); len(f.bits) != maxFilterBytes/8 {
		t.Errorf("a filter has %d words", len(f.bits))
	}
}
