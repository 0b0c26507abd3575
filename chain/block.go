package chain

import (
	"encoding/hex"
	"fmt"
)

// Hash is the SHA-256 of a block's canonical bytes.
type Hash [32]byte

// String gives 64 lower-case hex digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Short gives the first 12 hex digits, for logs.
func (h Hash) Short() string { return hex.EncodeToString(h[:6]) }

// ParseHash reads 64 lower-case hex digits.
func ParseHash(s string) (Hash, error) {
	panic(fmt.Sprint("skeleton ", s))
}

// Header is what a block's children and the fork choice need to know of it.
type Header struct {
	Hash      Hash
	Previous  Hash // zero for the genesis block
	Index     int64
	Proof     int64
	Timestamp float64 // Unix seconds
}

// Block is a block in canonical form whose bytes alone break no rule. It is immutable. Rules.ParseBlock makes it.
type Block struct {
	header Header
	raw    []byte
}

// Header returns the block's hash, parent, index, proof and time.
func (b *Block) Header() Header { return b.header }

// Hash returns the SHA-256 of the canonical bytes.
func (b *Block) Hash() Hash { return b.header.Hash }

// Index returns the height, from 1.
func (b *Block) Index() int64 { return b.header.Index }

// Canonical returns the canonical bytes. The caller must not change them.
func (b *Block) Canonical() []byte { return b.raw }

// Transactions decodes the block's transactions, the reward last.
func (b *Block) Transactions() []Transaction { panic("skeleton") }
