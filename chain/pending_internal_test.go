package chain

import "testing"

// TestReturnedRoom: of what a reorg returns the first are kept, as many as have room, in front of the others.
func TestReturnedRoom(t *testing.T) {
	const all, bytes = MaxPoolTransactions + MaxPoolReturned, MaxPoolBytes + MaxPoolReturnedBytes
	for name, tc := range map[string]struct {
		size, pending, leaving, returned, kept int
	}{
		"in an empty pool":              {1, 0, 0, 5, 5},
		"in a pool at its bound":        {1, MaxPoolTransactions, 0, 5, 5},
		"the last that fit":             {1, all - 5, 0, 6, 5},
		"none":                          {1, all, 0, 1, 0},
		"in the place of what is mined": {1, all, 3, 5, 3},
		"the last bytes":                {bytes / 8, 6, 0, 3, 2},
		"bytes of what is mined":        {bytes / 8, 8, 2, 3, 2},
	} {
		l, seq := newPool(), uint64(firstSeq)
		fill := func(n int) (ps []*pending) {
			for range n {
				p := &pending{size: tc.size, seq: seq, Transaction: Transaction{ID: NewID()}}
				seq++
				ps = append(ps, p)
			}
			return ps
		}
		held := fill(tc.pending)
		for _, p := range held {
			l.insert(p)
		}
		returned := fill(tc.returned)
		kept := l.number(returned, held[:tc.leaving])
		if len(kept) != tc.kept {
			t.Errorf("%s: %d of %d are kept, want %d", name, len(kept), tc.returned, tc.kept)
		}
		for i, p := range kept {
			if want := uint64(firstSeq) - uint64(len(kept)-i); p != returned[i] || p.seq != want {
				t.Errorf("%s: returned payment %d has number %d, want %d", name, i, p.seq, want)
			}
		}
	}
}
