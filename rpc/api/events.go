package api

import (
	"encoding/json"
	"time"
)

// BlockEvent is a new tip.
type BlockEvent struct {
	From           string          `json:"from"`
	FromName       string          `json:"from_name,omitempty" description:"What that peer calls itself: claimed, not proved; left out if it is not connected or has no name."`
	Hash           string          `json:"hash" pattern:"^[0-9a-f]{64}$"`
	Index          int64           `json:"index" minimum:"1"`
	PreviousHash   string          `json:"previous_hash"`
	Timestamp      float64         `json:"timestamp"`
	Transactions   int             `json:"transactions" description:"Their number, with the reward."`
	Unpaid         int             `json:"unpaid" description:"Payments that were pending, or in a block that left the chain, and that this node has dropped."`
	UnpaidPayments []UnpaidPayment `json:"unpaid_payments,omitempty" description:"The first 100 of them."`
}

// UnpaidEvent lists payments that left the pool without a new block.
type UnpaidEvent struct {
	Unpaid         int             `json:"unpaid" minimum:"1" description:"Their number."`
	UnpaidPayments []UnpaidPayment `json:"unpaid_payments" description:"The first 100 of them."`
}

// UnpaidPayment is a payment that this node has dropped.
type UnpaidPayment struct {
	Amount    json.Number `json:"amount" description:"As it was spelled."`
	ID        string      `json:"id" pattern:"^[0-9a-f]{32}$"`
	Reason    string      `json:"reason" enum:"conflict,expired,funds,room" description:"conflict: the chain holds another payment with this id; expired: no block took it within a day; funds: the sender has too little; room: its block left the chain, and the pool was full."`
	Recipient string      `json:"recipient"`
	Sender    string      `json:"sender"`
}

// ReorgEvent is a new tip on another branch.
type ReorgEvent struct {
	Dropped        int             `json:"dropped" description:"Blocks that left the chain."`
	From           string          `json:"from"`
	FromName       string          `json:"from_name,omitempty" description:"What that peer calls itself: claimed, not proved; left out if it is not connected or has no name."`
	Hash           string          `json:"hash" pattern:"^[0-9a-f]{64}$"`
	Index          int64           `json:"index" minimum:"1"`
	Old            BlockRef        `json:"old" description:"The tip before."`
	PreviousHash   string          `json:"previous_hash"`
	Returned       int             `json:"returned" description:"Payments that are pending again."`
	Timestamp      float64         `json:"timestamp"`
	Transactions   int             `json:"transactions" description:"Their number, with the reward."`
	Unpaid         int             `json:"unpaid" description:"Payments that were pending, or in a block that left the chain, and that this node has dropped."`
	UnpaidPayments []UnpaidPayment `json:"unpaid_payments,omitempty" description:"The first 100 of them."`
}

// TransactionEvent is a new pending payment.
type TransactionEvent struct {
	From        string  `json:"from"`
	FromName    string  `json:"from_name,omitempty" description:"What that peer calls itself: claimed, not proved; left out if it is not connected or has no name."`
	Transaction Payment `json:"transaction"`
}

// PeerEvent lists the connected peers.
type PeerEvent struct {
	Connected int          `json:"connected"`
	Left      []LeftBranch `json:"left,omitempty" description:"Branches that connected peers have left for this node's chain, the last of each peer."`
	Names     []string     `json:"names" description:"What each of the peers calls itself, \"\" for no name: claimed, not proved."`
	Peers     []string     `json:"peers"`
}

// LeftBranch is a branch that lost against this node's chain, as a peer had told of it: this node does not hold its blocks.
type LeftBranch struct {
	At     time.Time `json:"at" description:"When the peer was seen to have left it."`
	Fork   int64     `json:"fork,omitempty" description:"The last block that both have in common; left out if not known."`
	Height int64     `json:"height" minimum:"1"`
	Peer   string    `json:"peer"`
	Tip    string    `json:"tip" pattern:"^[0-9a-f]{64}$"`
}

// MiningEvent is what the miner is at while it does not search.
type MiningEvent struct {
	Mode      string `json:"mode"`
	Searching bool   `json:"searching"`
}

// SearchEvent is what the miner is at while it searches.
type SearchEvent struct {
	Expected  *float64 `json:"expected" description:"Mean seconds to a block, null while the rate is unknown."`
	Mode      string   `json:"mode"`
	Rate      float64  `json:"rate" description:"Tries per second."`
	Searching bool     `json:"searching"`
	Tries     uint64   `json:"tries"`
}

// ResetEvent says that events were missed: read the state anew.
type ResetEvent struct{}
