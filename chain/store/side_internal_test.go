package store

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
)

// sideIDs is a store in which one transaction is on all of the places, between two others, and a search of the branches.
func sideIDs(t *testing.T, places, on []Place) *SideIDs {
	t.Helper()
	st, err := OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	b := st.NewBatch()
	defer b.Close()
	for _, p := range places {
		b.SetSideID([16]byte{2}, p)
	}
	for _, id := range []byte{1, 3} {
		for branch := range uint32(1000) {
			b.SetSideID([16]byte{id}, Place{Branch: branch, Index: 1})
		}
	}
	if err := st.Apply(b); err != nil {
		t.Fatal(err)
	}
	s, err := st.SideIDs(on)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		_ = st.Close() // memory: nothing can fail
	})
	return s
}

func run(n int, first, step uint32) (places []Place) {
	for i := range uint32(n) {
		places = append(places, Place{Branch: first + i*step, Index: 7})
	}
	return places
}

// TestSideIDsTakeFewSeeks: siblings that all carry the same payments cost a child of one of them no more than one sibling does, and
// a long way to the active chain costs a payment that is on few branches no more than a short one.
func TestSideIDsTakeFewSeeks(t *testing.T) {
	for name, tc := range map[string]struct {
		places, on []Place
		seeks      int
		found      bool
	}{
		"nowhere":                       {nil, run(500, 1, 1), 1, false},
		"on no branch":                  {run(500, 1, 1), nil, 0, false},
		"many siblings, on one":         {run(500, 1, 1), run(1, 400, 1), 1, true},
		"many siblings, beside":         {run(500, 1, 2), run(1, 400, 1), 1, false},
		"many siblings, below them all": {run(500, 10, 1), run(3, 1, 1), 1, false},
		"many branches, one place":      {run(1, 250, 1), run(500, 1, 2), 2, false},
		"above what is searched":        {[]Place{{5, 8}}, run(3, 4, 1), 3, false},
		"one by one":                    {run(20, 2, 2), run(500, 1, 2), 21, false},
	} {
		s := sideIDs(t, tc.places, tc.on)
		_, found, err := s.Find([16]byte{2})
		if err != nil || found != tc.found {
			t.Errorf("%s: found %v, %v", name, found, err)
		}
		stats := s.it.Stats()
		if n := stats.ForwardSeekCount[pebble.InterfaceCall]; n > tc.seeks {
			t.Errorf("%s: %d seeks, want at most %d", name, n, tc.seeks)
		}
	}
}

// TestSideIDsFindAll compares the search with a walk over all places.
func TestSideIDsFindAll(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 2))
	for range 300 {
		draw := func() (all []Place) {
			for branch := range uint32(12) {
				if random.IntN(3) == 0 {
					all = append(all, Place{branch + 1, int64(random.IntN(4))})
				}
			}
			random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			return all
		}
		places, on := draw(), draw()
		index, ok, err := sideIDs(t, places, on).Find([16]byte{2})
		if err != nil {
			t.Fatal(err)
		}
		meets := func(p Place) bool {
			return slices.ContainsFunc(on, func(o Place) bool { return o.Branch == p.Branch && p.Index <= o.Index })
		}
		if ok != slices.ContainsFunc(places, meets) || ok && !slices.ContainsFunc(places, func(p Place) bool { return p.Index == index && meets(p) }) {
			t.Fatalf("found %d, %v among %v on %v", index, ok, places, on)
		}
	}
}
