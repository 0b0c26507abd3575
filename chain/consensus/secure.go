package consensus

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"

	"kuai/chain/canonical"
)

// The rules of a block on a secure network that the classic one lacks.
const (
	RuleProofForm     Rule = "proof form"     // "<root>.<nonce>": 64 lower-case hex digits, a decimal number below 2^63 without leading zeros
	RuleRoot          Rule = "root"           // the proof's root is that of the block's parts
	RuleTimestampStep Rule = "timestamp step" // greater than the parent's
	RuleTarget        Rule = "target"         // the proof's hash, as a number, is at most the target
)

// SealedProof is a proof of a secure network. It names what it was searched for: change the block, and its root is another one.
type SealedProof struct {
	Root  Hash  // of the block's parts
	Nonce int64 // what the miner searches, from 0
}

// String returns "<root>.<nonce>".
func (p SealedProof) String() string { return p.Root.String() + "." + strconv.FormatInt(p.Nonce, 10) }

// ParseProof reads the only text that a proof has.
func ParseProof(s string) (p SealedProof, err error) {
	const rootDigits = 2 * len(p.Root)
	if len(s) > rootDigits+1 && s[rootDigits] == '.' && canonical.DecodeHex(p.Root[:], s[:rootDigits]) {
		nonce, n := canonical.ScanUint([]byte(s[rootDigits+1:]))
		if n == len(s)-rootDigits-1 && nonce <= math.MaxInt64 {
			p.Nonce = int64(nonce)
			return p, nil
		}
	}
	return SealedProof{}, fmt.Errorf(`proof %s is not 64 lower-case hex digits, "." and a decimal number below 2^63`, canonical.Quote(s))
}

// SecureHeader is what the children of a block on a secure network need to know of it.
type SecureHeader struct {
	Hash      Hash
	Previous  Hash // zero for the genesis block
	Index     int64
	Proof     string // as it is hashed in the child's proof: the genesis block's is a number in decimal
	Timestamp float64
}

// SecureBlock is a block of a secure network whose bytes alone break no rule; its signatures are not checked yet. It is immutable.
// Rules.ParseSecureBlock makes it.
type SecureBlock struct {
	Header    SecureHeader
	Sealed    SealedProof
	Payments  []SignedPayment
	Recipient Address // of the reward
	Leaves    []Hash  // of the tree: the header's, each payment's, the reward's
}

// ParseSecureBlock reads a block that must be canonical, and checks all but its signatures and its parent. Errors are *InvalidError.
func (r *Rules) ParseSecureBlock(raw []byte) (*SecureBlock, error) {
	if len(raw) > r.MaxBlockBytes {
		return nil, Invalid(RuleBlockSize, "%d bytes, at most %d", len(raw), r.MaxBlockBytes)
	}
	v, err := readCanonical(raw)
	if err != nil {
		return nil, err
	}
	o, ok := v.(canonical.Object)
	if !ok {
		return nil, Invalid(RuleBlockKeys, "expected an object, found %s", canonical.Describe(v))
	}
	if err := explainKeys(o); err != nil {
		return nil, err
	}
	b := new(SecureBlock)
	b.Header.Hash = sha256.Sum256(raw)
	if err := b.readHeader(o); err != nil {
		return nil, err
	}
	if err := b.readTransactions(r, o); err != nil {
		return nil, err
	}
	if root := MerkleRoot(b.Leaves); root != b.Sealed.Root {
		return nil, Invalid(RuleRoot, "the proof seals the root %s, the block's parts have %s", b.Sealed.Root, root)
	}
	return b, nil
}

// readHeader reads all but the transactions, and makes the first leaf.
func (b *SecureBlock) readHeader(o canonical.Object) error {
	proof, _ := o.Get("proof")
	text, ok := proof.(string)
	if !ok {
		return Invalid(RuleProofForm, "proof is %s, not a string", canonical.Describe(proof))
	}
	var err error
	if b.Sealed, err = ParseProof(text); err != nil {
		return Invalid(RuleProofForm, "%s", err)
	}
	var sealed canonical.Object // with a number for a proof, the header is a classic one
	for _, m := range o {
		switch m.Key {
		case "proof":
			m.Value = canonical.Number("0")
		case "transactions":
			continue
		}
		sealed = append(sealed, m)
	}
	if err := explainHeader(sealed); err != nil {
		return err
	}
	h := headerOf(sealed)
	b.Header = SecureHeader{b.Header.Hash, h.Previous, h.Index, text, h.Timestamp}
	timestamp, _ := o.Get("timestamp")
	leaf := fmt.Appendf(nil, `{"index": %d, "previous_hash": "%s", "timestamp": %s}`, h.Index, h.Previous, timestamp)
	b.Leaves = append(b.Leaves, LeafHash(leaf))
	return nil
}

// readTransactions reads the payments and the reward, and makes their leaves.
func (b *SecureBlock) readTransactions(r *Rules, o canonical.Object) error {
	v, _ := o.Get("transactions")
	txs, ok := v.([]canonical.Value)
	if !ok || len(txs) == 0 || len(txs) > r.MaxBlockTransactions {
		return Invalid(RuleTransactionCount, "transactions is %s, not an array of 1 to %d", canonical.Describe(v), r.MaxBlockTransactions)
	}
	ids := make(map[ID]bool, len(txs))
	for i, tx := range txs {
		raw := canonical.AppendValue(nil, tx)
		where := fmt.Sprintf("transaction %d of %d: ", i+1, len(txs))
		if len(raw) > r.MaxTransactionBytes {
			return Invalid(RuleTransactionSize, "%s%d bytes, at most %d", where, len(raw), r.MaxTransactionBytes)
		}
		b.Leaves = append(b.Leaves, LeafHash(raw))
		if i == len(txs)-1 {
			return b.readReward(r, tx)
		}
		p, err := readSigned(tx, where)
		if err != nil {
			return err
		}
		if ids[p.ID] {
			return Invalid(RuleDuplicateID, "%sthe id %s occurs before", where, p.ID)
		}
		ids[p.ID] = true
		b.Payments = append(b.Payments, p)
	}
	return nil
}

// readReward reads a block's last transaction.
func (b *SecureBlock) readReward(r *Rules, v canonical.Value) error {
	o, _ := v.(canonical.Object)
	if err := checkKeys(o, transactionKeys); err != nil {
		return Invalid(RuleReward, "the last transaction is not a reward: %s", err)
	}
	if sender, _ := o.Get("sender"); sender != RewardSender {
		return Invalid(RuleReward, "the sender of the last transaction is %s, not \"0\"", canonical.Describe(sender))
	}
	if amount, _ := o.Get("amount"); amount != r.Reward {
		return Invalid(RuleReward, "the reward's amount is %s, not %s", canonical.Describe(amount), r.Reward)
	}
	recipient, _ := o.Get("recipient")
	text, ok := recipient.(string)
	if !ok {
		return Invalid(RuleRecipient, "the reward's recipient is %s, not a string", canonical.Describe(recipient))
	}
	var err error
	if b.Recipient, err = ParseAddress(text); err != nil {
		return Invalid(RuleRecipient, "the reward's recipient: %s", err)
	}
	return nil
}

// CheckSignatures checks the signature of every payment. Errors are *InvalidError.
func (b *SecureBlock) CheckSignatures(network string) error {
	for _, p := range b.Payments {
		if err := p.CheckSignature(network); err != nil {
			return err
		}
	}
	return nil
}

// CheckSecureLink checks that b extends parent and that its proof meets the target that the pace sets there. Errors are *InvalidError.
func CheckSecureLink(parent SecureHeader, target Target, b *SecureBlock) error {
	h := &b.Header
	if h.Previous != parent.Hash {
		return Invalid(RuleParent, "previous_hash is %s, the parent's hash is %s", h.Previous, parent.Hash)
	}
	if h.Index-1 != parent.Index {
		return Invalid(RuleIndexStep, "index is %d, the parent's is %d", h.Index, parent.Index)
	}
	if h.Timestamp <= parent.Timestamp {
		return Invalid(RuleTimestampStep, "timestamp %s is not greater than the parent's, %s",
			canonical.AppendFloat(nil, h.Timestamp), canonical.AppendFloat(nil, parent.Timestamp))
	}
	if sum := proofHash(parent, h.Proof); !target.Met(sum) {
		return Invalid(RuleTarget, "the proof's hash is %s, the target %s", sum, target)
	}
	return nil
}

// proofHash returns the SHA-256 of the parent's proof, the proof and the parent's hash, joined.
func proofHash(parent SecureHeader, proof string) Hash {
	text := append(append(make([]byte, 0, 256), parent.Proof...), proof...)
	return sha256.Sum256(hex.AppendEncode(text, parent.Hash[:]))
}

// minSecureAhead is how far ahead of the local clock a timestamp may be at least. More would let a miner lower the difficulty.
const minSecureAhead = 15 * time.Second

// CheckSecureTime returns an error that wraps ErrFuture if b is too far ahead of now: more than three block times, or 15 s.
func CheckSecureTime(b *SecureBlock, blockTime time.Duration, now time.Time) error {
	latest := now.Add(max(3*blockTime, minSecureAhead))
	if b.Header.Timestamp <= float64(latest.Unix())+float64(latest.Nanosecond())/1e9 {
		return nil
	}
	return fmt.Errorf("%w: timestamp %s, accepted up to %s", ErrFuture, canonical.AppendFloat(nil, b.Header.Timestamp), latest.UTC().Format(time.RFC3339))
}
