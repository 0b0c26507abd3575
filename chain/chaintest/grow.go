package chaintest

import (
	"testing"

	"kuai/chain"
)

// Grow adds n blocks of one payment each to the chain, as a sync would: in runs, and on disk when it returns.
func Grow(t testing.TB, c *chain.Chain, n int) {
	t.Helper()
	const run = 2048
	for parent := c.Tip(); n > 0; n -= run {
		raws := make([][]byte, min(n, run))
		for i := range raws {
			b := Block(t, c.Rules(), parent, "12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo", PaymentOn(c.Rules()).Transaction())
			raws[i], parent = b.Canonical(), b.Header()
		}
		s, _, err := c.Rules().ParseBlocks(raws)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.AddBlocks(s, "peer"); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Sync(); err != nil {
		t.Fatal(err)
	}
}
