package chain

import "time"

// Bounds of the pool.
const (
	MaxPoolTransactions = 50_000
	MaxPoolBytes        = 16 << 20
	MaxPoolAge          = 24 * time.Hour
)

// Submit adds t to the pool and returns the index of the block that can hold it at the earliest. It does not wait for the
// disk. from names the sending peer, "" for this node. Errors: ErrKnown (pending or mined), ErrPoolFull, *InvalidError, or a failure of the store.
func (c *Chain) Submit(t Transaction, from string) (next int64, err error) { panic("skeleton") }

// Pending returns the pool's transactions in order of arrival.
func (c *Chain) Pending() []Transaction { panic("skeleton") }

// PendingByID returns the pending transaction with this id.
func (c *Chain) PendingByID(id ID) (Transaction, bool) { panic("skeleton") }

// PoolSize returns the number and the canonical bytes of the pending transactions.
func (c *Chain) PoolSize() (count, bytes int) { panic("skeleton") }

// Lookup is where a transaction is.
type Lookup struct {
	Transaction Transaction
	Pending     bool
	Block       Header // where it was mined, unless Pending
	Returned    bool   // pending again: a reorg dropped its block
}

// Transaction finds a transaction in the pool or on the active chain, or returns ErrNotFound.
func (c *Chain) Transaction(id ID) (Lookup, error) { panic("skeleton") }

// Template is the work for the next block: the tip, and the pending transactions that fit, without the reward.
type Template struct {
	Parent       Header
	Transactions []Transaction
}

// Template selects pending transactions in order of arrival within the limits of a block; recipient is the reward's, for its size.
func (c *Chain) Template(recipient string) Template { panic("skeleton") }
