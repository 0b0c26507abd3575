package consensus

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"math"
	"strconv"

	"kuai/chain/canonical"
)

// The rules of a block on a secure network that the classic one lacks.
const (
	RuleProofForm     Rule = "proof form"     // "<root>.<nonce>": 64 lower-case hex digits, a decimal number below 2^63 without leading zeros
	RuleRoot          Rule = "root"           // the proof's root is that of the block's parts
	RuleTimestampStep Rule = "timestamp step" // greater than the parent's
	RuleTarget        Rule = "target"         // the proof's hash, as a number, is at most the target
	RuleBalance       Rule = "balance"        // in the order of payments, no account goes below 0
)

// ParseProof reads the only text that a proof of a secure network has: the root of the block's parts, and the nonce that the miner
// searches from 0. Change the block, and its root is another one.
func ParseProof(s string) (root Hash, nonce int64, err error) {
	const rootDigits = 2 * len(root)
	if len(s) > rootDigits+1 && s[rootDigits] == '.' && canonical.DecodeHex(root[:], s[:rootDigits]) {
		n, digits := canonical.ScanUint([]byte(s[rootDigits+1:]))
		if digits == len(s)-rootDigits-1 && n <= math.MaxInt64 {
			return root, int64(n), nil
		}
	}
	return Hash{}, 0, fmt.Errorf(`proof %s is not 64 lower-case hex digits, "." and a decimal number below 2^63`, canonical.Quote(s))
}

// secureBlock reads a whole block of a secure network into b, all but its hash. It does not check signatures.
func (p *parser) secureBlock(r *Rules, b *Block) bool {
	h := &b.header
	if !(p.literal(`{"index": `) && p.integer(&h.Index) && h.Index >= 2 &&
		p.literal(`, "previous_hash": "`) && p.hash(&h.Previous) &&
		p.literal(`", "proof": "`) && p.hash(&h.Root) && p.literal(`.`) && p.integer(&h.Proof) &&
		p.literal(`", "timestamp": `)) {
		return false
	}
	start := p.pos
	if !p.positive(&h.Timestamp) || h.Timestamp >= MaxTimestamp {
		return false
	}
	var buffer [leafRoom]byte
	var t tree
	t.add(LeafHash(appendSealed(buffer[:0], *h, p.raw[start:p.pos])))
	return p.literal(`, "transactions": [`) && p.secureTransactions(r, &t, &b.count) &&
		p.literal(`]}`) && p.pos == len(p.raw) && t.root() == h.Root
}

// secureTransactions consumes 1 to MaxBlockTransactions transactions, the last a reward and no other, and adds them to the tree.
func (p *parser) secureTransactions(r *Rules, leaves *tree, count *int) bool {
	ids := idSet{raw: p.raw, most: r.MaxBlockTransactions}
	defer ids.release()
	var t transactionText
	for n := 1; n <= r.MaxBlockTransactions; n++ {
		start := p.pos
		if !p.signed(r, &t) {
			return false
		}
		leaves.add(LeafHash(p.raw[start:p.pos]))
		if t.reward(p.raw) {
			*count = n
			return true
		}
		if !ids.add(t.id) || !p.literal(", ") {
			return false
		}
	}
	return false
}

// signed consumes a payment or the reward of a secure network.
func (p *parser) signed(r *Rules, t *transactionText) bool {
	start := p.pos
	var amount int64
	if string(p.next(len(transactionMark))) != transactionMark {
		return false
	}
	t.amount = p.pos
	if !p.integer(&amount) || amount < 1 || amount > MaxAmount {
		return false
	}
	t.amountEnd = p.pos
	if !p.optionalID(t) || string(p.next(len(recipientMark))) != recipientMark {
		return false
	}
	t.recipient = p.pos
	if !p.address() {
		return false
	}
	t.recipientEnd = p.pos
	if string(p.next(len(senderMark))) != senderMark {
		return false
	}
	t.sender = p.pos
	if !t.hasID() {
		t.senderEnd = t.sender + len(RewardSender)
		return p.literal(RewardSender+`"}`) && t.amountIs(p.raw, r.Reward) && p.pos-start <= r.MaxTransactionBytes
	}
	if !p.address() {
		return false
	}
	t.senderEnd = p.pos
	if string(p.next(len(signatureMark))) != signatureMark {
		return false
	}
	digits := p.next(2 * len(Signature{}))
	return len(digits) > 0 && canonical.IsHex(digits) && string(p.next(2)) == `"}` && p.pos-start <= r.MaxTransactionBytes
}

// address consumes an address.
func (p *parser) address() bool {
	_, ok := decodeAddress(p.next(AddressLength))
	return ok
}

// leafRoom is more than the longest leaf of a header and the longest signed payment have.
const leafRoom = 512

// appendSealed appends the first leaf of a block's tree: the header without the proof.
func appendSealed(dst []byte, h Header, timestamp []byte) []byte {
	dst = append(dst, `{"index": `...)
	dst = strconv.AppendInt(dst, h.Index, 10)
	dst = append(dst, `, "previous_hash": "`...)
	dst = hex.AppendEncode(dst, h.Previous[:])
	dst = append(dst, `", "timestamp": `...)
	dst = append(dst, timestamp...)
	return append(dst, '}')
}

// rootOf returns the root of a block with that header and these transactions in canonical form.
func rootOf(h Header, transactions iter.Seq[[]byte]) Hash {
	var t tree
	t.add(LeafHash(appendSealed(nil, h, canonical.AppendFloat(nil, h.Timestamp))))
	for raw := range transactions {
		t.add(LeafHash(raw))
	}
	return t.root()
}

// Leaves returns the hashes of the leaves of a secure block's tree: the header's, each payment's, the reward's.
func (b *Block) Leaves() []Hash {
	leaves := []Hash{LeafHash(appendSealed(nil, b.header, b.timestampText()))}
	for _, raw := range b.Spans() {
		leaves = append(leaves, LeafHash(raw))
	}
	return leaves
}

// SealedHeader returns the text of the first leaf of a secure block's tree.
func (b *Block) SealedHeader() string { return string(appendSealed(nil, b.header, b.timestampText())) }

// timestampText returns the timestamp as it is spelled in the block.
func (b *Block) timestampText() []byte {
	_, rest, _ := bytes.Cut(b.raw, []byte(`", "timestamp": `)) // the proof's last quote: nothing before it is chosen freely
	text, _, _ := bytes.Cut(rest, []byte(","))
	return text
}

// explainSecure returns the first broken rule of a block's bytes, nil if it breaks none.
func (r *Rules) explainSecure(o canonical.Object) error {
	if err := explainKeys(o); err != nil {
		return err
	}
	h, leaf, err := explainSecureHeader(o)
	if err != nil {
		return err
	}
	var t tree
	t.add(LeafHash(leaf))
	if err := r.explainSecureTransactions(o, &t); err != nil {
		return err
	}
	if root := t.root(); root != h.Root {
		return Invalid(RuleRoot, "the proof seals the root %s, the block's parts have %s", h.Root, root)
	}
	return nil
}

// explainSecureHeader checks all but the transactions, and returns the first leaf.
func explainSecureHeader(o canonical.Object) (h Header, leaf []byte, err error) {
	proof, _ := o.Get("proof")
	text, ok := proof.(string)
	if !ok {
		return h, nil, Invalid(RuleProofForm, "proof is %s, not a string", canonical.Describe(proof))
	}
	root, _, err := ParseProof(text)
	if err != nil {
		return h, nil, Invalid(RuleProofForm, "%s", err)
	}
	var numbered canonical.Object // with a number for a proof, the header is a classic one
	for _, m := range o {
		if m.Key == "proof" {
			m.Value = canonical.Number("0")
		}
		numbered = append(numbered, m)
	}
	if err := explainHeader(numbered); err != nil {
		return h, nil, err
	}
	h = headerOf(numbered)
	h.Root = root
	timestamp, _ := o.Get("timestamp")
	return h, appendSealed(nil, h, canonical.AppendValue(nil, timestamp)), nil
}

// explainSecureTransactions checks the payments and the reward, and adds them to the tree.
func (r *Rules) explainSecureTransactions(o canonical.Object, t *tree) error {
	v, _ := o.Get("transactions")
	txs, ok := v.([]canonical.Value)
	switch {
	case !ok:
		return Invalid(RuleTransactionCount, "transactions is %s, not an array", canonical.Describe(v))
	case len(txs) == 0 || len(txs) > r.MaxBlockTransactions:
		return Invalid(RuleTransactionCount, "%d transactions, not 1 to %d", len(txs), r.MaxBlockTransactions)
	}
	ids := make(map[ID]bool, len(txs))
	for i, tx := range txs {
		raw := canonical.AppendValue(nil, tx)
		where := fmt.Sprintf("transaction %d of %d: ", i+1, len(txs))
		if len(raw) > r.MaxTransactionBytes {
			return Invalid(RuleTransactionSize, "%s%d bytes, at most %d", where, len(raw), r.MaxTransactionBytes)
		}
		t.add(LeafHash(raw))
		if i == len(txs)-1 {
			return r.explainSecureReward(tx)
		}
		p, err := readPayment(tx, where, true)
		if err != nil {
			return err
		}
		if ids[p.ID] {
			return Invalid(RuleDuplicateID, "%sthe id %s occurs before", where, p.ID)
		}
		ids[p.ID] = true
	}
	return nil
}

// explainSecureReward checks a block's last transaction.
func (r *Rules) explainSecureReward(v canonical.Value) error {
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
	if _, err := ParseAddress(text); err != nil {
		return Invalid(RuleRecipient, "the reward's recipient: %s", err)
	}
	return nil
}

// checkSecureLink checks that b is later than parent and that its proof meets the target there. Errors are *InvalidError.
func (r *Rules) checkSecureLink(parent Header, b *Block) error {
	if b.header.Timestamp <= parent.Timestamp {
		return Invalid(RuleTimestampStep, "timestamp %s is not greater than the parent's, %s",
			canonical.AppendFloat(nil, b.header.Timestamp), canonical.AppendFloat(nil, parent.Timestamp))
	}
	target := r.TargetAfter(parent)
	if sum := proofHash(parent, b.header); !target.Met(sum) {
		return Invalid(RuleTarget, "the proof's hash is %s, the target %s", sum, target)
	}
	return nil
}

// proofHash returns the SHA-256 of the parent's proof, the proof and the parent's hash, joined.
func proofHash(parent, h Header) Hash {
	var buffer [2*maxProofText + 2*len(Hash{})]byte
	text := h.appendProofText(parent.appendProofText(buffer[:0]))
	return sha256.Sum256(hex.AppendEncode(text, parent.Hash[:]))
}
