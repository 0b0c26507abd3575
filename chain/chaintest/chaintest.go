// Package chaintest builds chains for tests: New(t).Mine(5).Fork(2).Mine(4).
package chaintest

import (
	"testing"
	"time"

	"kuai/chain"
)

// Rules returns a network for tests: classic limits, one hex zero, so that a proof takes microseconds.
func Rules() *chain.Rules { panic("skeleton") }

// Open returns an empty chain in memory that is closed with the test.
func Open(t testing.TB, r *chain.Rules) *chain.Chain { panic("skeleton") }

// OpenAt is Open with a clock.
func OpenAt(t testing.TB, r *chain.Rules, now func() time.Time) *chain.Chain { panic("skeleton") }

// Payment returns a valid payment with a fresh id.
func Payment() chain.Transaction { panic("skeleton") }

// Block seals a valid block on parent with the given payments and a reward to recipient.
func Block(t testing.TB, r *chain.Rules, parent chain.Header, recipient string, payments ...chain.Transaction) *chain.Block {
	panic("skeleton")
}

// MineOn adds n blocks to c from its pool, as this node.
func MineOn(t testing.TB, c *chain.Chain, n int) []*chain.Block { panic("skeleton") }
