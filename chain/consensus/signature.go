package consensus

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"

	"github.com/hdevalence/ed25519consensus"

	"kuai/chain/canonical"
)

// Signature is an Ed25519 signature, written as 128 lower-case hex digits.
type Signature [ed25519.SignatureSize]byte

// String returns 128 lower-case hex digits.
func (s Signature) String() string { return hex.EncodeToString(s[:]) }

// ParseSignature reads 128 lower-case hex digits.
func ParseSignature(s string) (Signature, error) {
	var sig Signature
	if !canonical.DecodeHex(sig[:], s) {
		return Signature{}, fmt.Errorf("signature %s is not 128 lower-case hex digits", canonical.Quote(s))
	}
	return sig, nil
}

// ValidSignature reports whether s is a signature of message by the key of a. The rule is ZIP 215, as the standard leaves cases open
// that implementations decide differently: encodings of points need not be canonical, the equation is multiplied by the cofactor,
// the scalar is below the group's order.
func (a Address) ValidSignature(message []byte, s Signature) bool {
	return ed25519consensus.Verify(a[:], message, s[:])
}
