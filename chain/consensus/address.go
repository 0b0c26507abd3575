package consensus

import (
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

// String returns the 52 characters of the address.
func (a Address) String() string {
	var number [addressBytes]byte
	copy(number[copy(number[:], addressPrefix[:]):], a[:])
	var text [AddressLength]byte
	for i := len(text) - 1; i > 0; i-- {
		rest := 0
		for j, b := range number {
			rest = rest<<8 | int(b)
			number[j] = byte(rest / 58)
			rest %= 58
		}
		text[i] = base58[rest]
	}
	text[0] = base58[0] // base58btc writes a leading zero byte as the digit zero
	return string(text[:])
}

// ParseAddress reads the only text that an address has.
func ParseAddress(s string) (Address, error) {
	if len(s) != AddressLength {
		return Address{}, fmt.Errorf("address %s has %d characters, want the %d of an Ed25519 peer id", canonical.Quote(s), len(s), AddressLength)
	}
	var number [addressBytes]byte
	for i := range len(s) {
		carry := int(base58Values[s[i]])
		if carry < 0 {
			return Address{}, fmt.Errorf("address %s: character %d is not in the base58 alphabet", canonical.Quote(s), i+1)
		}
		for j := len(number) - 1; j >= 0; j-- {
			carry += 58 * int(number[j])
			number[j] = byte(carry)
			carry >>= 8
		}
		if carry > 0 {
			return Address{}, errNotEd25519(s)
		}
	}
	if s[0] != base58[0] || [len(addressPrefix)]byte(number[:]) != addressPrefix {
		return Address{}, errNotEd25519(s)
	}
	return Address(number[len(addressPrefix):]), nil
}

func errNotEd25519(s string) error {
	return fmt.Errorf("address %s is not the peer id of an Ed25519 key, which starts with 12D3KooW", canonical.Quote(s))
}
