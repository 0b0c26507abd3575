package canonical

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"testing"

	"kuai/chain/canonical/canonicaltest"
)

// The corpora are in testdata/fuzz. A longer run: go test ./chain/canonical -run '^$' -fuzz '^FuzzRead$' -fuzztime 1h

// FuzzRead holds the tolerant reader and the writer to each other: what is written reads as the same value, and is stable.
func FuzzRead(f *testing.F) {
	for _, text := range canonicaltest.Tokens {
		f.Add([]byte(text))
		f.Add([]byte(`{"a": [` + text + `, "` + text + `"]}`))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := Read(text)
		if err != nil {
			e := (*SyntaxError)(nil)
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(text) || e.Reason == "" {
				t.Fatalf("%q: offset %d of %d, reason %q", text, e.Offset, len(text), e.Reason)
			}
			return
		}
		canonical := AppendValue(nil, v)
		again, err := Read(canonical)
		if err != nil {
			t.Fatalf("%q is written as %q, which does not read: %v", text, canonical, err)
		}
		if twice := AppendValue(nil, again); !bytes.Equal(twice, canonical) {
			t.Fatalf("%q is written as %q, then as %q", text, canonical, twice)
		}
		compact := AppendCompact(nil, canonical)
		if v, err := Read(compact); err != nil || !bytes.Equal(AppendValue(nil, v), canonical) {
			t.Fatalf("%q loses values as %q", canonical, compact)
		}
	})
}

// FuzzFloat holds the proof of a float's spelling to writing it again, for the float and for the text.
func FuzzFloat(f *testing.F) {
	for _, v := range []float64{5, 0.1, 1792458752.1752946, 1e16, 9007199254740993, 5e-324, 1e-05, 0.0001, math.MaxFloat64, 123456789012345.68} {
		f.Add(math.Float64bits(v), strconv.FormatFloat(v, 'g', -1, 64))
	}
	f.Fuzz(func(t *testing.T, pattern uint64, text string) {
		if v := math.Abs(math.Float64frombits(pattern)); v <= math.MaxFloat64 {
			agreeOnNumber(t, string(AppendFloat(nil, v)))
			agreeOnNumber(t, strconv.FormatFloat(v, 'f', 3, 64))
		}
		if n := numberText([]byte(text)); n == len(text) && n > 0 && text[0] != '-' {
			agreeOnNumber(t, text)
		}
	})
}
