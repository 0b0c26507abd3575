package chain

import (
	"container/list"
	"errors"

	"kuai/chain/consensus"
)

const (
	// MaxInvalid is how many invalid blocks are remembered by hash: enough that a flood of copies is judged once,
	// at about 150 bytes each.
	MaxInvalid = 4096
	// MaxSiblings is how many children of one parent are passed on. Whoever holds one valid proof can make siblings
	// for nothing.
	MaxSiblings = 16
	// maxParents is for how many parents siblings are counted, the last used ones.
	maxParents = 4096
)

// recent maps hashes to values and forgets those not used for the longest time.
type recent[V any] struct {
	order list.List // of entry[V], the last used in front
	index map[consensus.Hash]*list.Element
}

type entry[V any] struct {
	hash  consensus.Hash
	value V
}

func (r *recent[V]) get(h consensus.Hash) (V, bool) {
	e, ok := r.index[h]
	if !ok {
		var none V
		return none, false
	}
	r.order.MoveToFront(e)
	return e.Value.(entry[V]).value, true
}

func (r *recent[V]) put(h consensus.Hash, v V, most int) {
	if r.index == nil {
		r.index = make(map[consensus.Hash]*list.Element)
	}
	if e, ok := r.index[h]; ok {
		e.Value = entry[V]{h, v}
		r.order.MoveToFront(e)
		return
	}
	r.index[h] = r.order.PushFront(entry[V]{h, v})
	if r.order.Len() > most {
		last := r.order.Back()
		delete(r.index, r.order.Remove(last).(entry[V]).hash)
	}
}

// refused remembers invalid blocks by their full hash, so that a mutated copy never keeps the honest block out.
type invalidBlocks struct {
	recent[*consensus.InvalidError]
}

// remember keeps err where it is about the block itself, and returns it.
func (r *invalidBlocks) remember(h consensus.Hash, err error) error {
	var invalid *consensus.InvalidError
	if errors.As(err, &invalid) {
		r.put(h, invalid, MaxInvalid)
	}
	return err
}

// check refuses a block that is known to be invalid, or whose parent is.
func (r *invalidBlocks) check(h consensus.Header) error {
	if err, ok := r.get(h.Hash); ok {
		return err
	}
	if err, ok := r.get(h.Previous); ok {
		return r.remember(h.Hash, consensus.Invalid(consensus.RuleParentInvalid, "the parent %s is invalid (%s)", h.Previous, err.Rule))
	}
	return nil
}

// siblings counts the blocks that were passed on for each parent.
type siblings struct{ recent[[]int64] }

// relay says whether a new block may be passed on, and counts it.
func (s *siblings) relay(h consensus.Header) bool {
	proofs, _ := s.get(h.Previous)
	if len(proofs) >= MaxSiblings {
		return false
	}
	for _, p := range proofs {
		if p == h.Proof {
			return false
		}
	}
	s.put(h.Previous, append(proofs, h.Proof), maxParents)
	return true
}
