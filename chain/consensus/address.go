package consensus

import (
	"encoding/binary"
	"fmt"

	"kuai/chain/canonical"
)

// Address is the Ed25519 public key of an account on a secure network. Its text is the key's peer id, as libp2p writes it: the
// base58btc form of addressPrefix and the key. It contains the key, so no registry of keys is needed. It has no checksum.
type Address [32]byte

// addressPrefix marks what follows: an identity multihash (00) of 36 bytes (24) that hold a protobuf with key type 1, Ed25519
// (08 01), and a key of 32 bytes (12 20).
var addressPrefix = [...]byte{0x00, 0x24, 0x08, 0x01, 0x12, 0x20}

const (
	// AddressLength is the number of characters of every address. All start with 12D3KooW, as the prefix is constant.
	AddressLength = 52
	base58        = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz" // base58btc: without 0, O, I and l
	addressBytes  = len(addressPrefix) + len(Address{})
)

// base58Values maps a character to its value, or to -1.
var base58Values = func() (values [256]int8) {
	for i := range values {
		values[i] = -1
	}
	for i := range len(base58) {
		values[base58[i]] = int8(i)
	}
	return values
}()

// The conversion takes five characters and four bytes at a time. One by one it takes 18 times the steps, and a payment has two addresses.
const (
	groupDigits = 5
	groupBase   = 58 * 58 * 58 * 58 * 58
	groups      = 11 // the characters after the first, and four leading zeros
)

// base58Number is a number of 320 bits, its most significant word first: two zero bytes, the prefix and the key.
type base58Number [10]uint32

// String returns the 52 characters of the address.
func (a Address) String() string {
	var raw [4 * len(base58Number{})]byte
	key := raw[len(raw)-len(a):]
	copy(raw[len(raw)-addressBytes:], addressPrefix[:])
	copy(key, a[:])
	var number base58Number
	for i := range number {
		number[i] = binary.BigEndian.Uint32(raw[4*i:])
	}
	var text [groups * groupDigits]byte
	for end := len(text); end > 0; end -= groupDigits {
		rest := number.divide()
		for i := range groupDigits {
			text[end-1-i] = base58[rest%58]
			rest /= 58
		}
	}
	text[len(text)-AddressLength] = base58[0] // base58btc writes a leading zero byte as the digit zero
	return string(text[len(text)-AddressLength:])
}

// divide divides n by groupBase and returns the rest.
func (n *base58Number) divide() (rest uint64) {
	for i, word := range n {
		rest = rest<<32 | uint64(word)
		n[i] = uint32(rest / groupBase)
		rest %= groupBase
	}
	return rest
}

// multiply makes n the product with groupBase, plus carry. The number of an address fits.
func (n *base58Number) multiply(carry uint64) {
	for i := len(n) - 1; i >= 0; i-- {
		carry += groupBase * uint64(n[i])
		n[i] = uint32(carry)
		carry >>= 32
	}
}

// ParseAddress reads the only text that an address has.
func ParseAddress(s string) (Address, error) {
	if a, ok := decodeAddress(s); ok {
		return a, nil
	}
	if len(s) == 1 {
		return Address{}, fmt.Errorf("address %s has 1 character, want the %d of an Ed25519 peer id", canonical.Quote(s), AddressLength)
	}
	if len(s) != AddressLength {
		return Address{}, fmt.Errorf("address %s has %d characters, want the %d of an Ed25519 peer id", canonical.Quote(s), len(s), AddressLength)
	}
	for i := range len(s) {
		if base58Values[s[i]] < 0 {
			return Address{}, fmt.Errorf("address %s: character %d is not in the base58 alphabet", canonical.Quote(s), i+1)
		}
	}
	return Address{}, errNotEd25519(s)
}

// decodeAddress is ParseAddress without the reason.
func decodeAddress[T string | []byte](s T) (a Address, ok bool) {
	if len(s) != AddressLength {
		return a, false
	}
	var number base58Number
	group := uint64(0)
	for i := range len(s) {
		value := base58Values[s[i]]
		if value < 0 {
			return a, false
		}
		group = 58*group + uint64(value)
		if (len(s)-1-i)%groupDigits == 0 {
			number.multiply(group)
			group = 0
		}
	}
	var raw [4 * len(number)]byte
	for i, word := range number {
		binary.BigEndian.PutUint32(raw[4*i:], word)
	}
	start := len(raw) - len(a)
	ok = s[0] == base58[0] && raw[0] == 0 && raw[1] == 0 && [len(addressPrefix)]byte(raw[start-len(addressPrefix):start]) == addressPrefix
	return Address(raw[start:]), ok
}

func errNotEd25519(s string) error {
	return fmt.Errorf("address %s is not the peer id of an Ed25519 key, which starts with 12D3KooW", canonical.Quote(s))
}
