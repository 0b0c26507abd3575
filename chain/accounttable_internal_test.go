package chain

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"testing"

	"kuai/chain/consensus"
)

// TestAccountTable compares the table with a map.
func TestAccountTable(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		table, want := newAccountTable(), make(map[consensus.Address]int64)
		for range random.IntN(5000) {
			a := consensus.Address{byte(random.IntN(20)), byte(random.IntN(100))}
			if got, ok := table.find(a); got != want[a] || ok != (want[a] != 0) {
				t.Fatalf("%x has %d, %t; want %d", a[:2], got, ok, want[a])
			}
			want[a] = 1 + random.Int64N(100)
			table.set(a, want[a])
		}
		got, last := make(map[consensus.Address]int64), consensus.Address{}
		for a, balance := range table.sorted() {
			if len(got) > 0 && bytes.Compare(last[:], a[:]) >= 0 {
				t.Fatalf("%x comes after %x", a[:2], last[:2])
			}
			got[a], last = balance, a
		}
		if !maps.Equal(got, want) {
			t.Fatalf("%d accounts, want %d", len(got), len(want))
		}
	}
}
