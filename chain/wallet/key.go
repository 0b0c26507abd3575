package wallet

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"kuai/chain/consensus"
)

// SeedBytes is the length of a seed.
const SeedBytes = ed25519.SeedSize

// Key is a private key. The zero Key is none. No way to print or encode it shows the secret. It lies behind a function, as fmt follows
// pointers in an unexported field of a caller's value, where it cannot call Format.
type Key struct{ secret func() ed25519.PrivateKey }

// NewKey returns the key with that seed.
func NewKey(seed [SeedBytes]byte) Key {
	secret := ed25519.NewKeyFromSeed(seed[:])
	return Key{func() ed25519.PrivateKey { return secret }}
}

// RandomKey returns a new key.
func RandomKey() (Key, error) {
	var seed [SeedBytes]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return Key{}, err
	}
	return NewKey(seed), nil
}

// DevelopmentNames are the accounts that a network for development endows.
var DevelopmentNames = []string{"alice", "bob", "carol", "dave", "erin"}

// DevelopmentKey returns the key that everybody derives from a name: the seed is the SHA-256 of "kuai-dev-1", a newline and the name.
// It protects nothing.
func DevelopmentKey(name string) Key { return NewKey(sha256.Sum256([]byte("kuai-dev-1\n" + name))) }

// Address returns the key's address.
func (k Key) Address() consensus.Address {
	return consensus.Address(k.secret().Public().(ed25519.PublicKey))
}

// Seed returns the secret.
func (k Key) Seed() [SeedBytes]byte { return [SeedBytes]byte(k.secret().Seed()) }

// Sign fills in sender and signature of t, for the network with that id.
func (k Key) Sign(network string, t consensus.Transaction) consensus.Transaction {
	return consensus.SignPayment(k.secret(), network, t)
}

// String names the key by its address.
func (k Key) String() string {
	if k.secret == nil {
		return "no key"
	}
	return "key of " + k.Address().String()
}

// Format prints String, whatever the verb.
func (k Key) Format(s fmt.State, _ rune) { io.WriteString(s, k.String()) } //nolint:errcheck // fmt has no use for the error

var errNoText = errors.New("a key has no text form: ask for its seed")

// MarshalText refuses: a key never gets into an encoding by accident.
func (k Key) MarshalText() ([]byte, error) { return nil, errNoText }
