package chainsync

import (
	"testing"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p/hosttest"
)

// TestMoreWorkIsFollowed: on a secure network a shorter chain with more work is fetched, and a longer one with
// less is not.
func TestMoreWorkIsFollowed(t *testing.T) {
	hosttest.NoLeaks(t)
	r := chaintest.SecureRules()
	var long []*consensus.Block
	for parent := r.Genesis.Header(); len(long) < 25; parent = long[len(long)-1].Header() {
		long = append(long, chaintest.BlockAt(t, r, parent, parent.Timestamp+600, "gina")) // late, so the targets become easy
	}
	heavy := chaintest.NewSecure(t).Paying().Mine(12).Branch()
	one, other := startOn(t, r, long...), startOn(t, r, heavy...)
	one.connect(t, other)
	one.reaches(t, heavy[11].Hash())
	if tip := other.chain.Tip(); tip.Hash != heavy[11].Hash() || other.chain.Has(long[24].Hash()) {
		t.Errorf("the tip is %d, or the longer chain was fetched", tip.Index)
	}
	sameChain(t, one.chain, other.chain)
}
