package wallet

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode"

	"github.com/tyler-smith/go-bip39/wordlists"

	"kuai/chain/canonical"
)

// Languages are the lists from which words are drawn.
var Languages = []string{"english", "chinese"}

// wordList returns the list of a language, nil if there is none.
func wordList(language string) []string {
	switch language {
	case "english":
		return wordlists.English
	case "chinese":
		return wordlists.ChineseSimplified
	}
	return nil
}

const (
	wordBits     = 11
	entropyBytes = 16 // of 12 words: 128 bits, and 4 of a checksum
)

// NewWords draws 12 words of a language.
func NewWords(language string) (string, error) {
	list := wordList(language)
	if list == nil {
		return "", fmt.Errorf("words in %s: want %s", canonical.Quote(language), strings.Join(Languages, " or "))
	}
	var entropy [entropyBytes]byte
	rand.Read(entropy[:])
	return encodeWords(list, entropy[:]), nil
}

// encodeWords writes entropy, and the first bits of its SHA-256 as checksum, one for each 32 bits of entropy, in words of 11 bits
// (BIP-39).
func encodeWords(list []string, entropy []byte) string {
	checkBits := len(entropy) / 4
	sum := sha256.Sum256(entropy)
	n := new(big.Int).SetBytes(entropy)
	n.Or(n.Lsh(n, uint(checkBits)), big.NewInt(int64(sum[0]>>(8-checkBits))))
	words := make([]string, (8*len(entropy)+checkBits)/wordBits)
	mask := big.NewInt(1<<wordBits - 1)
	for i := range slices.Backward(words) {
		words[i] = list[new(big.Int).And(n, mask).Int64()]
		n.Rsh(n, wordBits)
	}
	return strings.Join(words, " ")
}

// normalizeWords returns the words in the form that a seed is derived from. Chinese words may be written without spaces.
func normalizeWords(text string) (words []string, list []string, err error) {
	words = strings.Fields(strings.ToLower(text))
	if len(words) > 0 && !slices.Contains(wordlists.English, words[0]) && strings.ContainsFunc(text, isHan) { // a Chinese word is one character
		words = strings.Split(strings.Join(words, ""), "")
	}
	switch len(words) {
	case 12, 15, 18, 21, 24:
	default:
		return nil, nil, fmt.Errorf("found %d words, want 12 (or 15, 18, 21 or 24)", len(words))
	}
	for _, language := range Languages {
		if list = wordList(language); slices.Contains(list, words[0]) {
			break
		}
	}
	for i, w := range words {
		if !slices.Contains(list, w) {
			return nil, nil, fmt.Errorf("word %d is not in the list: check its spelling", i+1) // the word is a secret
		}
	}
	return words, list, nil
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

var errChecksum = errors.New("the words do not fit together: check their spelling and order")

// KeyOfWords returns the key that words stand for: the account m/44'/1'/0' of their seed.
func KeyOfWords(text string) (Key, error) {
	words, list, err := normalizeWords(text)
	if err != nil {
		return Key{}, err
	}
	n := new(big.Int)
	for _, w := range words {
		n.Or(n.Lsh(n, wordBits), big.NewInt(int64(slices.Index(list, w))))
	}
	checkBits := uint(len(words) * wordBits / 33)
	entropy := n.Rsh(n, checkBits).FillBytes(make([]byte, 4*checkBits))
	joined := strings.Join(words, " ")
	if encodeWords(list, entropy) != joined {
		return Key{}, errChecksum
	}
	seed, err := seedOfWords(joined, "")
	if err != nil {
		return Key{}, err
	}
	return NewKey(derive(seed, accountPath...)), nil
}

// seedOfWords stretches words, as BIP-39 says. Both lists are in the normal form that it asks for.
func seedOfWords(words, password string) ([]byte, error) {
	return pbkdf2.Key(sha512.New, words, []byte("mnemonic"+password), 2048, 64)
}

// accountPath is purpose 44', coin 1' (SLIP-44's number for money without a value), account 0'.
var accountPath = []uint32{44, 1, 0}

// hardened marks the only kind of step that Ed25519 has.
const hardened = 1 << 31

// derive walks from the master key of seed along path, all of whose steps are hardened, as SLIP-10 says.
func derive(seed []byte, path ...uint32) (key [SeedBytes]byte) {
	node := mac([]byte("ed25519 seed"), seed)
	for _, step := range path {
		text := append([]byte{0}, node[:SeedBytes]...)
		node = mac(node[SeedBytes:], binary.BigEndian.AppendUint32(text, step|hardened))
	}
	return [SeedBytes]byte(node[:SeedBytes])
}

func mac(key, text []byte) []byte {
	h := hmac.New(sha512.New, key)
	h.Write(text)
	return h.Sum(nil)
}
