package consensus_test

import (
	"crypto/ed25519"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"kuai/chain/consensus"
)

// TestAddressIsPeerID compares addresses with libp2p's own peer ids.
func TestAddressIsPeerID(t *testing.T) {
	rng := rand.NewChaCha8([32]byte{1})
	for range 200 {
		var a consensus.Address
		rng.Read(a[:])
		key, err := crypto.UnmarshalEd25519PublicKey(a[:])
		if err != nil {
			t.Fatal(err)
		}
		id, err := peer.IDFromPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		if a.String() != id.String() {
			t.Fatalf("address %s, peer id %s", a, id)
		}
		if parsed, err := consensus.ParseAddress(id.String()); err != nil || parsed != a {
			t.Fatalf("%s reads as %s, %v", id, parsed, err)
		}
	}
}

func TestBadAddresses(t *testing.T) {
	good := consensus.Address(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)).String()
	for name, c := range map[string]struct{ text, says string }{
		"empty":                  {"", "0 characters"},
		"the reward's sender":    {"0", "1 character,"},
		"one character less":     {good[:51], "51 characters"},
		"one character more":     {good + "1", "53 characters"},
		"without the first 1":    {good[1:] + "1", "not the peer id"},
		"another leading digit":  {"2" + good[1:], "not the peer id"},
		"0 for o":                {good[:20] + "0" + good[21:], "character 21"},
		"l":                      {good[:51] + "l", "character 52"},
		"a space":                {" " + good[1:], "character 1 "},
		"not ASCII":              {good[:50] + "é", "character 51"},
		"RSA peer id":            {"QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N" + "aaaaaa", "not the peer id"},
		"another key type":       {"12D3KooV" + good[8:], "not the peer id"},
		"a number too large":     {strings.Repeat("z", 52), "not the peer id"},
		"a prefix of zero bytes": {strings.Repeat("1", 52), "not the peer id"},
	} {
		if a, err := consensus.ParseAddress(c.text); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q reads as %s, %v", name, c.text, a, err)
		}
	}
}

// FuzzParseAddress holds that an address has one text, and that libp2p reads the same texts as peer ids of Ed25519 keys.
func FuzzParseAddress(f *testing.F) {
	for _, v := range signatureVectors(f) {
		f.Add(v.Address)
	}
	f.Add(strings.Repeat("1", 52))
	f.Add(strings.Repeat("z", 52))
	f.Fuzz(func(t *testing.T, text string) {
		a, err := consensus.ParseAddress(text)
		if err == nil && a.String() != text {
			t.Fatalf("%q reads as %s", text, a)
		}
		var key crypto.PubKey
		id, idErr := peer.Decode(text)
		if idErr == nil {
			key, idErr = id.ExtractPublicKey()
		}
		isAddress := idErr == nil && key.Type() == crypto.Ed25519 && id.String() == text
		if isAddress != (err == nil) && len(text) <= 60 {
			t.Fatalf("%q: %v; libp2p: %v", text, err, idErr)
		}
	})
}
