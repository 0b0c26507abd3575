package gossip

import (
	"testing"

	"kuai/chain/consensus"
)

// TestRelayBoundsSiblings: of the children of one parent the first maxSiblings are passed on, each proof once.
func TestRelayBoundsSiblings(t *testing.T) {
	r := newRelayed()
	for parent := range byte(3) {
		for proof := range int64(maxSiblings + 4) {
			for copies := range 2 {
				h := consensus.Header{Previous: consensus.Hash{parent}, Proof: proof, Hash: consensus.Hash{byte(copies)}}
				if got, want := r.take(h), copies == 0 && proof < maxSiblings; got != want {
					t.Errorf("child %d of parent %d, copy %d: %v", proof, parent, copies, got)
				}
			}
		}
	}
	if r.byParent.Len() != 3 {
		t.Errorf("%d parents are noted", r.byParent.Len())
	}
}
