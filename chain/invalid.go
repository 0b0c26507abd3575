package chain

import (
	"errors"

	lru "github.com/hashicorp/golang-lru/v2"

	"kuai/chain/consensus"
)

// MaxInvalid is how many invalid blocks are remembered by hash, those used last: enough that a flood of copies is checked once, at
// about 150 bytes each.
const MaxInvalid = 4096

// invalidBlocks remembers invalid blocks by their full hash, so that a changed copy never keeps the honest block out.
type invalidBlocks struct {
	lru *lru.Cache[consensus.Hash, *consensus.InvalidError]
}

func newInvalidBlocks() invalidBlocks {
	blocks, err := lru.New[consensus.Hash, *consensus.InvalidError](MaxInvalid)
	if err != nil {
		panic("chain: the size is greater than 0: " + err.Error())
	}
	return invalidBlocks{blocks}
}

// remember keeps err if it is about the block itself, and returns it.
func (b invalidBlocks) remember(h consensus.Hash, err error) error {
	var invalid *consensus.InvalidError
	if errors.As(err, &invalid) {
		b.lru.Add(h, invalid)
	}
	return err
}

// check returns an error for a block that is known to be invalid, or whose parent is.
func (b invalidBlocks) check(h consensus.Header) error {
	if err, ok := b.lru.Get(h.Hash); ok {
		return err
	}
	if err, ok := b.lru.Get(h.Previous); ok {
		return b.remember(h.Hash, consensus.Invalid(consensus.RuleParentInvalid, "the parent %s is invalid (%s)", h.Previous, err.Rule))
	}
	return nil
}
