package lab

import "kuai/chain/consensus"

// tutorial is a model of the tutorial's node.
type tutorial struct {
	chain   []scratch
	pending []consensus.Transaction
}
