package consensus

import (
	"encoding/hex"
	"fmt"
	"math"

	"kuai/chain/canonical"
)

// ID is a transaction's id: 16 bytes, written as 32 lower-case hex digits.
type ID [16]byte

// String gives 32 lower-case hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// ParseID reads 32 lower-case hex digits.
func ParseID(s string) (ID, error) {
	var id ID
	if !canonical.DecodeHex(id[:], s) {
		return ID{}, fmt.Errorf("id %s is not 32 lower-case hex digits", canonical.Quote(s))
	}
	return id, nil
}

// Transaction is a payment, or a block's reward (sender "0", no id). It is a value; Canonical is its only wire form.
type Transaction struct {
	Sender    string
	Recipient string
	Amount    canonical.Number
	ID        ID
	HasID     bool // false for rewards and for transactions mined by a Flask node
}

// IsReward says whether the sender is "0".
func (t Transaction) IsReward() bool { return t.Sender == RewardSender }

// AppendCanonical appends the canonical bytes to dst.
func (t Transaction) AppendCanonical(dst []byte) []byte {
	dst = append(dst, `{"amount": `...)
	dst = append(dst, t.Amount...)
	if t.HasID {
		dst = append(dst, `, "id": "`...)
		dst = hex.AppendEncode(dst, t.ID[:])
		dst = append(dst, '"')
	}
	dst = append(dst, `, "recipient": `...)
	dst = canonical.AppendString(dst, t.Recipient)
	dst = append(dst, `, "sender": `...)
	dst = canonical.AppendString(dst, t.Sender)
	return append(dst, '}')
}

// decodeTransaction reads a transaction of a block that was checked.
func decodeTransaction(canonical []byte) Transaction {
	t := locate(canonical)
	return t.decode(canonical)
}

// locate finds the parts of a transaction of a block that was checked.
func locate(canonical []byte) (t transactionText) {
	const noLimit = math.MaxInt
	p := parser{raw: canonical}
	if !p.transaction(&Rules{MaxNameBytes: noLimit, MaxTransactionBytes: noLimit}, &t) {
		panic("chain: a checked block holds a transaction that the strict parser refuses")
	}
	return t
}

// decode reads the values at t.
func (t *transactionText) decode(raw []byte) Transaction {
	tx := Transaction{
		Sender:    canonical.DecodeString(raw[t.sender-1 : t.senderEnd+1]),
		Recipient: canonical.DecodeString(raw[t.recipient-1 : t.recipientEnd+1]),
		Amount:    canonical.Number(raw[t.amount:t.amountEnd]),
		HasID:     t.hasID(),
	}
	if tx.HasID {
		canonical.DecodeHex(tx.ID[:], raw[t.id:t.id+2*len(tx.ID)])
	}
	return tx
}
