package wallet

import (
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	bip39 "github.com/tyler-smith/go-bip39"
	"github.com/tyler-smith/go-bip39/wordlists"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSLIP10 runs the vectors for Ed25519 of SLIP-10.
func TestSLIP10(t *testing.T) {
	for _, v := range []struct {
		seed string
		path []uint32
		keys []string // after each step, the master key first
	}{
		{"000102030405060708090a0b0c0d0e0f", []uint32{0, 1, 2, 2, 1000000000}, []string{
			"2b4be7f19ee27bbf30c667b642d5f4aa69fd169872f8fc3059c08ebae2eb19e7",
			"68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3",
			"b1d0bad404bf35da785a64ca1ac54b2617211d2777696fbffaf208f746ae84f2",
			"92a5b23c0b8a99e37d07df3fb9966917f5d06e02ddbd909c7e184371463e9fc9",
			"30d1dc7e5fc04c31219ab25a27ae00b50f6fd66622f6e9c913253d6511d1e662",
			"8f94d394a8e8fd6b1bc2f3f49f5c47e385281d5c17e65324b0f62483e37e8793",
		}},
		{"fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542",
			[]uint32{0, 2147483647, 1, 2147483646, 2}, []string{
				"171cb88b1b3c1db25add599712e36245d75bc65a1a5c9e18d76f9f2b1eab4012",
				"1559eb2bbec5790b0c65d8693e4d0875b1747f4970ae8b650486ed7470845635",
				"ea4f5bfe8694d8bb74b7b59404632fd5968b774ed545e810de9c32a4fb4192f4",
				"3757c7577170179c7868353ada796c839135b3d30554bbb74a4b1e4a5a58505c",
				"5837736c89570de861ebc173b1086da4f505d4adb387c6a1b1342d5e4ac9ec72",
				"551d333177df541ad876a60ea71f00447931c0a9da16f227c11ea080d7391b8d",
			}},
	} {
		for steps, want := range v.keys {
			if got := derive(unhex(t, v.seed), v.path[:steps]...); hex.EncodeToString(got[:]) != want {
				t.Errorf("%s, %d steps: %x, want %s", v.seed, steps, got, want)
			}
		}
	}
}

// TestWordsLikeLibrary compares words and seeds with another implementation of BIP-39, and with a published vector.
func TestWordsLikeLibrary(t *testing.T) {
	rng := rand.NewChaCha8([32]byte{7})
	for _, language := range Languages {
		list := wordList(language)
		bip39.SetWordList(list)
		for i := range 60 {
			entropy := make([]byte, 16+4*(i%5))
			rng.Read(entropy)
			want, err := bip39.NewMnemonic(entropy)
			if err != nil {
				t.Fatal(err)
			}
			if got := encodeWords(list, entropy); got != want {
				t.Fatalf("%x in %s: %s, want %s", entropy, language, got, want)
			}
			seed, err := seedOfWords(want, "TREZOR")
			if err != nil || hex.EncodeToString(seed) != hex.EncodeToString(bip39.NewSeed(want, "TREZOR")) {
				t.Fatalf("%s: seed %x, %v", want, seed, err)
			}
			if _, err := KeyOfWords(want); err != nil {
				t.Fatalf("%s: %v", want, err)
			}
		}
	}
	bip39.SetWordList(wordlists.English)
	words := encodeWords(wordlists.English, make([]byte, 16))
	seed, err := seedOfWords(words, "TREZOR")
	const want = "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04"
	if words != strings.Repeat("abandon ", 11)+"about" || hex.EncodeToString(seed) != want || err != nil {
		t.Errorf("%s: %x, %v", words, seed, err)
	}
}

func TestKeyOfWords(t *testing.T) {
	for _, language := range Languages {
		words, err := NewWords(language)
		if err != nil || len(strings.Fields(words)) != 12 {
			t.Fatalf("%s: %d words, %v", language, len(strings.Fields(words)), err)
		}
		key, err := KeyOfWords(words)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{
			"capitals":          strings.ToUpper(words),
			"lines":             " \n" + strings.ReplaceAll(words, " ", "\r\n\t") + "\n",
			"ideographic space": strings.ReplaceAll(words, " ", "\u3000"),
			"no spaces":         map[string]string{"english": words, "chinese": strings.ReplaceAll(words, " ", "")}[language],
		} {
			if got, err := KeyOfWords(text); err != nil || got.Address() != key.Address() {
				t.Errorf("%s, %s: %v, %v", language, name, got, err)
			}
		}
		other, err := NewWords(language)
		if err != nil || other == words {
			t.Errorf("%s: the same words twice, %v", language, err)
		}
	}
	if _, err := NewWords("klingon"); err == nil || !strings.Contains(err.Error(), "want english or chinese") {
		t.Errorf("klingon: %v", err)
	}
	about := strings.Repeat("abandon ", 11)
	for text, says := range map[string]string{
		"":                      "found 0 words",
		about:                   "found 11 words",
		about + "abandon":       "do not fit together",
		about + "abaut":         "word 12 is not in the list",
		about + "的":             "word 12 is not in the list",
		"zzz " + about:          "word 1 is not in the list",
		"foo bar":               "found 2 words",
		"的一是":                   "found 3 words",
		about + "about about":   "found 13 words",
		strings.Repeat("的", 12): "do not fit together",
	} {
		if _, err := KeyOfWords(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		} else if strings.Contains(err.Error(), "abandon") || strings.Contains(err.Error(), "abaut") {
			t.Errorf("%q: the error shows words: %v", text, err)
		}
	}
}

// TestKeyOfKnownWords holds the derivation: if it changed, words that people have written down would open other accounts.
func TestKeyOfKnownWords(t *testing.T) {
	key, err := KeyOfWords(strings.Repeat("abandon ", 11) + "about")
	if err != nil {
		t.Fatal(err)
	}
	if got := key.Address().String(); got != "12D3KooWMCJ4eUwhryEMhjmGc1BQ5PU8tVNUuS19kWyDzvgmH7uD" {
		t.Errorf("address %s, CPython says another", got)
	}
}
