package chain

import "time"

// RewardSender is the sender of a block's reward.
const RewardSender = "0"

// Rules is one network as data: its genesis, its proof, its limits. Read-only after Classic or ReadRules.
type Rules struct {
	Name    string // for people
	Version int    // rules version, part of the network id
	Genesis *Block
	Zeros   int    // hex zeros that a proof's hash starts with
	Reward  Number // amount of a block's reward

	MaxBlockBytes        int
	MaxBlockTransactions int // the reward included
	MaxTransactionBytes  int
	MaxNameBytes         int           // sender, recipient; UTF-8
	MaxAhead             time.Duration // a timestamp's lead over our clock
}

// Classic returns the rules of the tutorial's chain.
func Classic() *Rules { panic("skeleton") }

// ReadRules reads a network file: JSON, unknown keys are errors.
func ReadRules(data []byte) (*Rules, error) { panic("skeleton") }

// Network returns the network's id, "<first 16 hex digits of the genesis hash>-<version>".
func (r *Rules) Network() string { panic("skeleton") }
