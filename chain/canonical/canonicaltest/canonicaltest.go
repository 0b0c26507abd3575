// Package canonicaltest has texts for tests of what reads and writes canonical JSON.
package canonicaltest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// Tokens are what a mutation puts in: the marks of the form, and spellings beside the canonical ones.
var Tokens = []string{
	`"`, `\`, `,`, `, `, `:`, `: `, ` `, `{`, `}`, `[`, `]`, `{}`, `[]`, `0`, `1`, `9`, `.`, `.0`, `-`, `-0`, `e`, `e+16`, `E5`, `1e5`, `1e-05`, `1e-5`,
	`\u007f`, "\x7f", `\u0022`, `\n`, `\u000a`, `\u000b`, `\u00e9`, `\u00E9`, "é", `\ud83d\ude00`, `\ud83d`, `\ude00`, `\ude00\ud83d`, `\/`, `/`, "\x00", "\x1f", "\xff",
	`"id": "00000000000000000000000000000000"`, `, "id": "00ab0000000000000000000000000000"`, `"sender": "0"`, `"amount": 1`, `{"amount": `, `null`, `true`,
	`9007199254740992`, `9007199254740991`, `9223372036854775807`, `9223372036854775808`, `0.1`, `0.10`, `5e-324`, `1.7976931348623157e+308`, `1e+309`,
}

// Mutate changes one to three places of a copy of s.
func Mutate(rng *rand.Rand, s []byte, other []byte) []byte {
	s = bytes.Clone(s)
	for range 1 + rng.IntN(3) {
		at := rng.IntN(len(s) + 1)
		end := min(len(s), at+rng.IntN(4))
		var put []byte
		switch rng.IntN(6) {
		case 0, 1:
			put = []byte(Tokens[rng.IntN(len(Tokens))])
		case 2:
			put = []byte{byte(rng.IntN(256))}
		case 3:
			from := rng.IntN(len(other))
			put = other[from:min(len(other), from+rng.IntN(150))]
		case 4:
			put = strconv.AppendInt(nil, rng.Int64()>>rng.IntN(63), 10)
		}
		s = append(s[:at:at], append(bytes.Clone(put), s[end:]...)...)
	}
	return s
}

// Vector is a line of the vectors: CPython's own answer.
type Vector struct {
	JSON      string          `json:"json"`
	Canonical string          `json:"canonical"`
	Hash      string          `json:"hash"`
	Block     json.RawMessage `json:"block"`
}

// Vectors reads a file and fails where it does not hold want lines.
func Vectors(t testing.TB, name string, want int) []Vector {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var all []Vector
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v Vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("%s line %d: %v", name, len(all)+1, err)
		}
		all = append(all, v)
	}
	if len(all) != want {
		t.Fatalf("%s holds %d vectors, want %d", name, len(all), want)
	}
	return all
}
