package chain

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSortedByKey: the order is that of the keys' bytes, also of those with the same start, and equal keys stay in their order.
func TestSortedByKey(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		items := make([]idPosition, random.IntN(50))
		for i := range items {
			items[i].index = int64(i)
			for _, at := range []int{0, 7, 8, 15} { // the last two are behind the start
				items[i].id[at] = byte(random.IntN(3))
			}
		}
		want := slices.Clone(items)
		slices.SortStableFunc(want, func(a, b idPosition) int { return bytes.Compare(a.id[:], b.id[:]) })
		if got := sortedByKey(items, func(p idPosition) (key [32]byte) { copy(key[:], p.id[:]); return key }); !slices.Equal(got, want) {
			t.Fatalf("%v, not %v", got, want)
		}
	}
}
