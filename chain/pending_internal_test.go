package chain

import (
	"slices"
	"testing"
	"time"

	"kuai/chain/consensus"
)

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
				p := &pending{size: tc.size, seq: seq, Payment: somePayment(t)}
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
		room, kept := l.returnRoom(held[:tc.leaving]), []*pending(nil)
		for _, p := range returned {
			if !room.take(p.size) {
				break
			}
			kept = append(kept, p)
		}
		l.number(kept)
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

// TestRoomToTheByte: the pool, and the share of one sender, take what fits exactly, and not one more.
func TestRoomToTheByte(t *testing.T) {
	const share, shareBytes = MaxPoolTransactions / PoolShare, MaxPoolBytes / PoolShare
	for name, tc := range map[string]struct {
		count, bytes int // in the pool, all of the sender
		from         string
		size         int
		want         bool
	}{
		"the last byte of the pool":       {2, MaxPoolBytes - 10, "", 10, true},
		"a byte more than the pool":       {2, MaxPoolBytes - 10, "", 11, false},
		"the last place of the pool":      {MaxPoolTransactions - 1, 0, "", 10, true},
		"a place more than the pool":      {MaxPoolTransactions, 0, "", 10, false},
		"the last byte of a peer's share": {2, shareBytes - 10, "peer", 10, true},
		"a byte more than a peer's share": {2, shareBytes - 10, "peer", 11, false},
		"the last place of a share":       {share - 1, 0, "peer", 10, true},
		"a place more than a share":       {share, 0, "peer", 10, false},
	} {
		l := newPool()
		for i := range tc.count {
			p := &pending{Payment: somePayment(t), from: tc.from}
			if i == 0 {
				p.size = tc.bytes
			}
			l.insert(p)
		}
		if got := l.room(tc.size, tc.from); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestMinedOldestIsForgotten: a day after the oldest payment came, and was mined, the pool is walked once, and not by each who asks.
func TestMinedOldestIsForgotten(t *testing.T) {
	r, now := noZeros(), time.Unix(1_800_000_000, 0)
	c := opened(t, inMemory(t), r)
	c.now = func() time.Time { return now }
	var ps []consensus.Payment
	submit := func() {
		t.Helper()
		ps = append(ps, somePayment(t))
		if _, err := c.Submit(ps[len(ps)-1], ""); err != nil {
			t.Fatal(err)
		}
	}
	submit()
	now = now.Add(MaxPoolAge / 2)
	submit()
	if _, err := c.Add(sealed(t, r, c.tip, "m", ps[0].Transaction()), ""); err != nil {
		t.Fatal(err)
	}
	young := now.UnixMilli()
	now = now.Add(MaxPoolAge / 2)
	submit()
	if c.pool.oldest != young {
		t.Errorf("the oldest is of %d, want %d", c.pool.oldest, young)
	}
	if got := c.Pending(); !slices.Equal(got, ps[1:]) {
		t.Errorf("pending are %v", got)
	}
}
