package chain

import (
	"slices"
	"testing"
	"time"

	"kuai/chain/consensus"
)

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
