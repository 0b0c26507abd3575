package consensus

import (
	"encoding/hex"
	"fmt"
	"math"
	"strings"

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

	Signature    Signature
	HasSignature bool // true for the payments of a secure network
}

// IsReward reports whether the sender is "0".
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
	if t.HasSignature {
		dst = append(dst, signatureMark[1:]...) // the quote before it is there
		dst = hex.AppendEncode(dst, t.Signature[:])
		dst = append(dst, '"')
	}
	return append(dst, '}')
}

// decodeTransaction reads canonical bytes that were checked. Its strings are parts of text where they can be.
func decodeTransaction(text string) Transaction {
	if i := signatureStart(text); i >= 0 {
		tx := decodeTransaction(text[:i] + `"}`)
		i += len(signatureMark)
		tx.HasSignature = canonical.DecodeHex(tx.Signature[:], text[i:i+2*len(tx.Signature)])
		return tx
	}
	const noLimit = math.MaxInt
	p := parser{raw: []byte(text)}
	var found transactionText
	if !p.transaction(&Rules{MaxNameBytes: noLimit, MaxTransactionBytes: noLimit}, &found) {
		panic("consensus: checked bytes hold a transaction that the strict parser refuses")
	}
	return found.decode(text)
}

// decode reads the values at t. They are parts of text where they can be.
func (t *transactionText) decode(text string) Transaction {
	tx := Transaction{
		Sender:    decodeName(text[t.sender-1 : t.senderEnd+1]),
		Recipient: decodeName(text[t.recipient-1 : t.recipientEnd+1]),
		Amount:    canonical.Number(text[t.amount:t.amountEnd]),
		HasID:     t.hasID(),
	}
	if tx.HasID {
		canonical.DecodeHex(tx.ID[:], text[t.id:t.id+2*len(tx.ID)])
	}
	return tx
}

// decodeName reads a canonical string, quotes included.
func decodeName(quoted string) string {
	if inside := quoted[1 : len(quoted)-1]; strings.IndexByte(inside, '\\') < 0 {
		return inside
	}
	return canonical.DecodeString([]byte(quoted))
}
