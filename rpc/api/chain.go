package api

import (
	"encoding/json"
	"strings"
)

// Payment is a transaction: a payment, or the reward that ends a block.
type Payment struct {
	Amount    json.Number `json:"amount" description:"As it is spelled on the chain." example:"5"`
	ID        string      `json:"id,omitempty" pattern:"^[0-9a-f]{32}$" description:"Left out in rewards and in what a Flask node has mined."`
	Recipient string      `json:"recipient" example:"bob"`
	Sender    string      `json:"sender" description:"\"0\" for a reward." example:"alice"`
	Signature string      `json:"signature,omitempty" pattern:"^[0-9a-f]{128}$" description:"Of a secure network's payment, by the sender's key."`
}

// Proof is a block's proof in JSON: a number on a classic network, the string "<root>.<nonce>" on a secure one, whose first block has a
// number, too.
type Proof string

// String returns the proof as it is hashed: without quotes.
func (p Proof) String() string { return strings.Trim(string(p), `"`) }

// MarshalJSON returns p.
func (p Proof) MarshalJSON() ([]byte, error) { return []byte(p), nil }

// UnmarshalJSON keeps the text.
func (p *Proof) UnmarshalJSON(text []byte) error {
	*p = Proof(text)
	return nil
}

// Block is a block as the tutorial has it: five keys.
type Block struct {
	Index        int64       `json:"index" minimum:"1"`
	PreviousHash string      `json:"previous_hash" description:"64 hex digits; of the first block \"1\"."`
	Proof        Proof       `json:"proof"`
	Timestamp    json.Number `json:"timestamp" description:"Seconds since 1970."`
	Transactions []Payment   `json:"transactions"`

	// Text is the block in the spelling of answers. A server sets it alone, as a block's own bytes are what its hash is of.
	Text []byte `json:"-"`
}

// BlockRef names a block.
type BlockRef struct {
	Hash  string `json:"hash" pattern:"^[0-9a-f]{64}$"`
	Index int64  `json:"index" minimum:"1"`
}

// Chain is the whole chain, or a page of it.
type Chain struct {
	Chain  []Block `json:"chain"`
	Length int64   `json:"length" minimum:"1" description:"Of the whole chain, also in a page."`
}

// Forged is a block that was mined, as the tutorial shows it.
type Forged struct {
	Index        int64     `json:"index" minimum:"2"`
	Message      string    `json:"message" example:"New Block Forged"`
	PreviousHash string    `json:"previous_hash" pattern:"^[0-9a-f]{64}$"`
	Proof        Proof     `json:"proof"`
	Transactions []Payment `json:"transactions"`
}

// Mine asks for several blocks.
type Mine struct {
	Blocks int `json:"blocks,omitempty" minimum:"1" maximum:"1000" description:"Without it one block is mined, and the answer is that of GET."`
}

// MinedBlocks are the blocks that were mined, which are fewer than were asked for if Message says why.
type MinedBlocks struct {
	Blocks  []MinedBlock `json:"blocks"`
	Message string       `json:"message" example:"New Blocks Forged"`
}

// MinedBlock is one of several blocks that were mined.
type MinedBlock struct {
	Hash         string `json:"hash" pattern:"^[0-9a-f]{64}$"`
	Index        int64  `json:"index" minimum:"2"`
	PreviousHash string `json:"previous_hash" pattern:"^[0-9a-f]{64}$"`
	Proof        Proof  `json:"proof"`
	Transactions int    `json:"transactions" description:"Their number, with the reward."`
}

// Message is an answer in one sentence.
type Message struct {
	Message string `json:"message"`
}

// Resolved is the chain after GET /nodes/resolve, under one key or the other.
type Resolved struct {
	Chain    []Block `json:"chain,omitempty" description:"If the chain stayed."`
	Message  string  `json:"message" enum:"Our chain was replaced,Our chain is authoritative"`
	NewChain []Block `json:"new_chain,omitempty" description:"If the chain was replaced."`
}

// BlockInfo is a block with what the node knows of it.
type BlockInfo struct {
	Block         Block    `json:"block"`
	Branch        string   `json:"branch" enum:"active,side"`
	Confirmations int64    `json:"confirmations" minimum:"0" description:"1 for the tip, 0 on a side branch."`
	From          string   `json:"from" description:"Who sent it: a peer id, http://host:port, or \"\" for this node itself."`
	FromName      string   `json:"from_name,omitempty" description:"What that peer calls itself: claimed, not proved; left out if it is not connected or has no name."`
	Hash          string   `json:"hash" pattern:"^[0-9a-f]{64}$"`
	Received      *float64 `json:"received" description:"Seconds since 1970, null if not known."`
}

// Blocks is a page of the active chain, the newest last.
type Blocks struct {
	Blocks []BlockInfo `json:"blocks"`
	From   int64       `json:"from" minimum:"1"`
	Length int64       `json:"length" minimum:"1" description:"Of the whole chain."`
}

// Fork is a side branch.
type Fork struct {
	From     string   `json:"from" description:"Who sent its tip: a peer id, http://host:port, or \"\" for this node itself."`
	FromName string   `json:"from_name,omitempty" description:"What that peer calls itself: claimed, not proved; left out if it is not connected or has no name."`
	Point    BlockRef `json:"fork_point" description:"The last block that it shares with the active chain."`
	Length   int64    `json:"length" minimum:"1" description:"Blocks after the fork point."`
	Tip      BlockRef `json:"tip"`
}

// Forks is a page of the side branches, the longest first.
type Forks struct {
	Count int    `json:"count" minimum:"0" description:"Of all side branches."`
	Forks []Fork `json:"forks"`
}

// Pending is a page of the payments that wait for a block, in order of arrival.
type Pending struct {
	Count        int       `json:"count" minimum:"0" description:"Of all pending payments."`
	Transactions []Payment `json:"transactions"`
}

// TransactionInfo says where a transaction is.
type TransactionInfo struct {
	Block         *BlockRef `json:"block" description:"null unless mined."`
	Confirmations int64     `json:"confirmations" minimum:"0"`
	Status        string    `json:"status" enum:"pending,mined,returned" description:"returned: pending again, as its block left the chain."`
	Transaction   Payment   `json:"transaction"`
}

// Account is what the active chain says of an address.
type Account struct {
	Address string         `json:"address"`
	Balance string         `json:"balance" pattern:"^-?[0-9]+([.][0-9]+)?$" description:"What it received less what it sent, an exact decimal."`
	Count   int            `json:"count" minimum:"0" description:"Of all its transactions."`
	History []AccountEntry `json:"history" description:"The newest first."`
	Next    *string        `json:"next" description:"?before= of the page of what is older, null after the last."`

	Spendable string `json:"spendable,omitempty" pattern:"^[0-9]+$" description:"On a secure network: the balance less the pending payments of the address."`
}

// AccountEntry is a transaction in the history of an address.
type AccountEntry struct {
	Block         BlockRef `json:"block"`
	Confirmations int64    `json:"confirmations" minimum:"1"`
	Position      int      `json:"position" minimum:"0" description:"In the block."`
	Transaction   Payment  `json:"transaction"`
}

// MaxBlocksBody is the most bytes of the body of POST /blocks.
const MaxBlocksBody = 8 << 20

// NewBlocks are blocks to add.
type NewBlocks struct {
	Chain []Block `json:"chain"`
}

// AddedBlocks tells what became of blocks that were sent.
type AddedBlocks struct {
	Added   int           `json:"added" minimum:"0" description:"Blocks that were not known before, and stay."`
	Height  int64         `json:"height" minimum:"1" description:"Of the node's chain now."`
	Refused *RefusedBlock `json:"refused,omitempty" description:"The first block that was refused, if one was. Those before it were added, those behind it were not looked at."`
	Tip     string        `json:"tip" pattern:"^[0-9a-f]{64}$"`
}

// RefusedBlock is a block that was sent and not added.
type RefusedBlock struct {
	Position int    `json:"position" minimum:"1" description:"In the request, counted from 1."`
	Reason   string `json:"reason"`
}
