package gossip

import (
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"kuai/chain/consensus"
)

const (
	// maxSiblings is how many children of one parent are relayed. With one valid proof, more children cost nothing.
	maxSiblings = 16
	// maxParents is for how many parents, the most recently used ones, the children are counted.
	maxParents = 4096
)

// relayed holds the proofs of the blocks that were relayed for each parent.
type relayed struct {
	mu       sync.Mutex
	byParent *simplelru.LRU[consensus.Hash, []string]
}

func newRelayed() *relayed {
	byParent, err := simplelru.NewLRU[consensus.Hash, []string](maxParents, nil)
	if err != nil {
		panic("gossip: the size is greater than 0: " + err.Error())
	}
	return &relayed{byParent: byParent}
}

// take reports whether a new block may be relayed, and records it: at most maxSiblings of one parent, and no
// second block with the same parent and proof.
func (r *relayed) take(h consensus.Header) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	proofs, _ := r.byParent.Get(h.Previous)
	proof := h.ProofText()
	if len(proofs) >= maxSiblings || slices.Contains(proofs, proof) {
		return false
	}
	r.byParent.Add(h.Previous, append(slices.Clip(proofs), proof))
	return true
}
