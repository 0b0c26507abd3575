package chain

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// ID is a transaction's id: 16 bytes, written as 32 lower-case hex digits.
type ID [16]byte

// String gives 32 lower-case hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// ParseID reads 32 lower-case hex digits.
func ParseID(s string) (ID, error) {
	var id ID
	if !decodeHex(id[:], s) {
		return ID{}, fmt.Errorf("id %s is not 32 lower-case hex digits", quote(s))
	}
	return id, nil
}

// NewID draws a random id.
func NewID() ID {
	var id ID
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the process where the system has no randomness
	return id
}

// Transaction is a payment, or a block's reward (sender "0", no id). It is a value; Canonical is its only wire form.
type Transaction struct {
	Sender    string
	Recipient string
	Amount    Number
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
	dst = AppendString(dst, t.Recipient)
	dst = append(dst, `, "sender": `...)
	dst = AppendString(dst, t.Sender)
	return append(dst, '}')
}

// decodeHex fills dst from lower-case hex digits, and only from exactly as many as it needs.
func decodeHex[T string | []byte](dst []byte, s T) bool {
	if len(s) != 2*len(dst) {
		return false
	}
	for i := range dst {
		high, low := hexDigit(s[2*i]), hexDigit(s[2*i+1])
		if high|low > 15 {
			return false
		}
		dst[i] = high<<4 | low
	}
	return true
}

// hexDigit returns the value of a lower-case hex digit, 0xff for any other byte.
func hexDigit(c byte) byte {
	switch {
	case c-'0' <= 9:
		return c - '0'
	case c-'a' <= 5:
		return c - 'a' + 10
	}
	return 0xff
}
