package consensus

import (
	"errors"
	"fmt"
	"time"
)

// ErrFuture says that a block cannot be checked yet: its timestamp is too far ahead of the clock.
var ErrFuture = errors.New("timestamp too far ahead of our clock")

// ClockError wraps ErrFuture: no block can follow the parent yet, as it must be later than the parent.
type ClockError struct {
	Behind time.Duration // of our clock, behind the parent's timestamp
}

func (e *ClockError) Error() string {
	return fmt.Sprintf("this machine's clock is %d s behind the chain: set it", e.Seconds())
}

func (e *ClockError) Unwrap() error { return ErrFuture }

// Seconds is Behind, rounded up.
func (e *ClockError) Seconds() int64 { return int64((e.Behind + time.Second - 1) / time.Second) }

// Rule names the rule of validity that was broken.
type Rule string

// The rules of a block, in the order in which they are checked. The first that is broken names the error.
const (
	RuleBlockSize        Rule = "block size"        // canonical bytes within MaxBlockBytes
	RuleCanonical        Rule = "canonical form"    // the bytes that json.dumps(block, sort_keys=True) prints; for transactions too
	RuleBlockKeys        Rule = "block keys"        // an object with exactly the five keys
	RuleIndex            Rule = "index"             // an integer from 2
	RulePreviousHash     Rule = "previous hash"     // 64 lower-case hex digits
	RuleProofRange       Rule = "proof range"       // an integer in [0, MaxProof)
	RuleTimestamp        Rule = "timestamp"         // a number in (0, MaxTimestamp)
	RuleTransactionCount Rule = "transaction count" // 1..MaxBlockTransactions in an array
	RuleReward           Rule = "reward"            // exactly one, last, of the network's amount, without id
	RuleDuplicateID      Rule = "duplicate id"      // an id occurs once in a block and on its branch
	RuleParentInvalid    Rule = "ancestor"          // a block below breaks a rule
	RuleParent           Rule = "parent"            // previous_hash is the parent's hash
	RuleIndexStep        Rule = "index step"        // the parent's index plus one
	RuleProof            Rule = "proof"             // the proof's hash starts with the network's zeros
)

// The rules of a transaction, in the order in which they are checked.
const (
	RuleTransactionSize Rule = "transaction size" // canonical bytes within MaxTransactionBytes
	RuleTransactionKeys Rule = "transaction keys" // an object with exactly amount, recipient, sender, and id if it has one
	RuleAmount          Rule = "amount"           // a number greater than 0
	RuleID              Rule = "id"               // 32 lower-case hex digits
	RuleRecipient       Rule = "recipient"        // a string of 1..MaxNameBytes bytes
	RuleSender          Rule = "sender"           // a string of 1..MaxNameBytes bytes; "0" is the reward's
)

// InvalidError says that a block or transaction breaks a rule: a fact about its bytes and ancestors, provable to anyone.
type InvalidError struct {
	Rule   Rule
	Detail string // what was found, and what the rule wants

	// With RuleParentInvalid, if they are known: the index of the block at fault on the same branch, and what is wrong with it.
	Ancestor int64
	Cause    *InvalidError
}

func (e *InvalidError) Error() string { return fmt.Sprintf("invalid (%s): %s", e.Rule, e.Detail) }

// Invalid returns an *InvalidError.
func Invalid(rule Rule, format string, args ...any) error {
	return &InvalidError{Rule: rule, Detail: fmt.Sprintf(format, args...)}
}

// MissingError names the keys that an object lacks, or all of them when the value is not an object.
type MissingError struct{ Keys []string }

func (e *MissingError) Error() string { return fmt.Sprintf("missing keys %q", e.Keys) }
