package p2p

import (
	"bytes"
	"testing"

	"kuai/chain"
	"kuai/chain/chaintest"
)

func TestColdSyncIsByteIdentical(t *testing.T) {
	noLeaks(t)
	blocks := chaintest.New(t).Paying().Mine(5000).Branch()
	full := startOn(t, chaintest.Rules(), blocks...)
	fresh := startOn(t, chaintest.Rules())
	fresh.connect(t, full)
	tip := blocks[len(blocks)-1].Hash()
	fresh.reaches(t, tip)
	sameChain(t, full.chain, fresh.chain)
	if got := <-fresh.turns; got.Hash != tip {
		t.Errorf("onSwitch was told of %d %s, not of the tip", got.Index, got.Hash.Short())
	}
}

// sameChain fails unless both active chains have the same bytes.
func sameChain(t *testing.T, want, got *chain.Chain) {
	t.Helper()
	a, b := want.Snapshot(), got.Snapshot()
	defer a.Close()
	defer b.Close()
	if a.Tip() != b.Tip() {
		t.Fatalf("tips differ: %+v, %+v", a.Tip(), b.Tip())
	}
	at := func(s *chain.Snapshot, i int64) []byte {
		for raw, err := range s.Blocks(i, i+1) {
			if err != nil {
				t.Fatal(err)
			}
			return bytes.Clone(raw)
		}
		return nil
	}
	for i := range a.Tip().Index {
		if !bytes.Equal(at(a, i+1), at(b, i+1)) {
			t.Fatalf("block %d differs", i+1)
		}
	}
}
