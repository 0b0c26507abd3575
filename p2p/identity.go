package p2p

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/libp2p/go-libp2p/core/crypto"

	"kuai/chain/atomicfile"
)

// LoadIdentity reads the node's Ed25519 key from path, in libp2p's marshalled form, or makes one if the file does
// not exist. Only its owner can read the file. A key of another kind is refused: the peer id would have another
// form.
func LoadIdentity(path string) (crypto.PrivKey, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeIdentity(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the node's identity: %w", err)
	}
	key, err := crypto.UnmarshalPrivateKey(raw)
	if err != nil {
		return nil, fmt.Errorf("identity %s is damaged (%w): restore it, or remove it to get a new peer id", path, err)
	}
	if key.Type() != crypto.Ed25519 {
		return nil, fmt.Errorf("identity %s is a %s key: only Ed25519 is taken", path, key.Type())
	}
	return key, nil
}

// EphemeralIdentity returns a new Ed25519 key that is not saved.
func EphemeralIdentity() (crypto.PrivKey, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	return key, err
}

func makeIdentity(path string) (crypto.PrivKey, error) {
	key, err := EphemeralIdentity()
	if err != nil {
		return nil, err
	}
	raw, err := crypto.MarshalPrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.Write(path, raw); err != nil {
		return nil, fmt.Errorf("write the node's identity: %w", err)
	}
	return key, nil
}
