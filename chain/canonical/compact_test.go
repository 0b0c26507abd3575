package canonical_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"kuai/chain/canonical"
	"kuai/chain/canonical/canonicaltest"
)

func TestAppendCompactIsFlasksSpelling(t *testing.T) {
	for i, v := range canonicaltest.Vectors(t, "testdata/blocks.jsonl", 400) {
		got := canonical.AppendCompact([]byte("before "), []byte(v.Canonical))
		var want bytes.Buffer
		if err := json.Compact(&want, []byte(v.Canonical)); err != nil {
			t.Fatal(err)
		}
		if string(got) != "before "+want.String() {
			t.Errorf("line %d: got %s, want %s", i+1, got, want.String())
		}
		inPlace := []byte(v.Canonical)
		if got := canonical.AppendCompact(inPlace[:0], inPlace); string(got) != want.String() {
			t.Errorf("line %d in place: got %s, want %s", i+1, got, want.String())
		}
	}
}

func TestAppendCompactKeepsSpacesInStrings(t *testing.T) {
	for _, inside := range []string{
		"", " ", ", ", ": ", `\" `, `\\`, `\\\" , `, ` \\\\`, strings.Repeat(`\", `, 20), strings.Repeat(`1234567\`, 1) + `" x`,
		"1234567 ", "12345678 ", `123456\" `, `1234567\\`, `12345678\\`, `\u007f, \n `,
	} {
		for _, around := range []string{`{"a": "`, `["x", "`, `"`} {
			closing := map[byte]string{'{': `"}`, '[': `", 1, 2]`, '"': `"`}[around[0]]
			text := around + inside + closing
			want := strings.ReplaceAll(around, ": ", ":")
			want = strings.ReplaceAll(want, ", ", ",") + inside + strings.ReplaceAll(closing, ", ", ",")
			if got := string(canonical.AppendCompact(nil, []byte(text))); got != want {
				t.Errorf("%s: got %s, want %s", text, got, want)
			}
			inPlace := []byte(text)
			if got := string(canonical.AppendCompact(inPlace[:0], inPlace)); got != want {
				t.Errorf("%s in place: got %s, want %s", text, got, want)
			}
		}
	}
}
