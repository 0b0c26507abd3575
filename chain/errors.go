package chain

import (
	"errors"

	"kuai/chain/store"
)

// What is known or benign, and what cannot be checked yet. None of these is remembered against a block or a peer.
var (
	ErrKnown    = errors.New("already held")
	ErrOrphan   = errors.New("parent not held")
	ErrStale    = errors.New("parent is no longer the tip")
	ErrPoolFull = errors.New("pool is full")
	ErrNotFound = errors.New("not found")
)

// ErrDamaged is wrapped by every error that says the store contradicts itself.
var ErrDamaged = store.ErrDamaged

// ErrLayout says that another version of the program wrote the store.
var ErrLayout = errors.New("data of another version")

// ErrOtherNetwork is wrapped if the store holds the chain of another network. It wraps ErrDamaged, as the store is as unusable, but does
// not say so: nothing is damaged.
var ErrOtherNetwork error = otherNetwork{}

type otherNetwork struct{}

func (otherNetwork) Error() string { return "another network's chain" }
func (otherNetwork) Unwrap() error { return ErrDamaged }

// ErrFailed is returned by every change after a failed write. What was acknowledged is on disk, and reads go on.
var ErrFailed = store.ErrFailed

// ErrUnsettled wraps ErrFailed if the disk failed while a payment or a block of this node was being written. Nobody has seen it;
// the next start shows whether it was written.
var ErrUnsettled = errors.New("whether it was written is known after a restart")
