package api

import (
	"encoding/json"
	"time"
)

// Header is a block of a secure network without its transactions. Its proof seals it: Path leads to the proof's root from the leaf
// that is the canonical JSON of index, previous_hash and timestamp, number 0 of Leaves.
type Header struct {
	Hash         string      `json:"hash" pattern:"^[0-9a-f]{64}$"`
	Index        int64       `json:"index" minimum:"2"`
	Leaves       int         `json:"leaves" minimum:"2" description:"Of the block's tree: the header's and one for each transaction."`
	Path         []string    `json:"path" description:"The other halves of the tree from the leaf up, 64 hex digits each."`
	PreviousHash string      `json:"previous_hash" pattern:"^[0-9a-f]{64}$"`
	Proof        Proof       `json:"proof"`
	Timestamp    json.Number `json:"timestamp" description:"Seconds since 1970."`
}

// Headers is a page of the active chain's headers after the first block.
type Headers struct {
	Headers []Header `json:"headers"`
	Length  int64    `json:"length" minimum:"1" description:"Of the whole chain."`
}

// TransactionProof proves that a block of a secure network holds a payment: Path leads to the root of the block's proof from the leaf
// that is the canonical JSON of Transaction, number Leaf of Leaves.
type TransactionProof struct {
	Block         BlockRef `json:"block"`
	Confirmations int64    `json:"confirmations" minimum:"1"`
	Leaf          int      `json:"leaf" minimum:"1"`
	Leaves        int      `json:"leaves" minimum:"2"`
	Path          []string `json:"path" description:"The other halves of the tree from the leaf up, 64 hex digits each."`
	Transaction   Payment  `json:"transaction"`
}

// Unlock gives the node a key to sign payments with, in memory and for some time only.
type Unlock struct {
	Seconds int    `json:"seconds,omitempty" minimum:"1" maximum:"86400" description:"How long; 600 if it is left out."`
	Seed    string `json:"seed" pattern:"^[0-9a-f]{64}$" description:"Of the key. The node never shows it."`
}

// UnlockedWallet is an account that the node signs payments of.
type UnlockedWallet struct {
	Address string    `json:"address"`
	Name    string    `json:"name,omitempty" description:"Of a development account, which is always unlocked."`
	Until   time.Time `json:"until,omitzero"`
}

// UnlockedWallets are the accounts that the node signs payments of.
type UnlockedWallets struct {
	Wallets []UnlockedWallet `json:"wallets"`
}
