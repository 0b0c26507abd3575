package chain

import (
	"errors"
	"fmt"
)

// What is known or benign, and what cannot be judged yet. None of these is remembered against a block or a peer.
var (
	ErrKnown    = errors.New("already held")
	ErrOrphan   = errors.New("parent not held")
	ErrFuture   = errors.New("timestamp too far ahead of our clock")
	ErrStale    = errors.New("parent is no longer the tip")
	ErrPoolFull = errors.New("pool is full")
	ErrNotFound = errors.New("not found")
)

// ErrDamaged is wrapped by every error that says the store contradicts itself.
var ErrDamaged = errors.New("data damaged")

// Rule names the rule of validity that was broken.
type Rule string

// InvalidError says that a block or transaction breaks a rule: a fact about its bytes and ancestors, provable to anyone.
type InvalidError struct {
	Rule   Rule
	Detail string // what was found, and what the rule wants
}

func (e *InvalidError) Error() string { return fmt.Sprintf("invalid (%s): %s", e.Rule, e.Detail) }

// SyntaxError says why the tolerant reader refused a text, and where.
type SyntaxError struct {
	Offset int // byte offset into the text
	Reason string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset) }

// MissingError names the keys that an object lacks, or all of them when the value is not an object.
type MissingError struct{ Keys []string }

func (e *MissingError) Error() string { return fmt.Sprintf("missing keys %q", e.Keys) }
