package canonical_test

import (
	"testing"

	"kuai/chain/canonical"
	"kuai/chain/canonical/canonicaltest"
)

func TestCanonicalVectors(t *testing.T) {
	for name, want := range map[string]int{"numbers.jsonl": 2057, "strings.jsonl": 524, "blocks.jsonl": 400} {
		t.Run(name, func(t *testing.T) {
			for i, v := range canonicaltest.Vectors(t, "testdata/"+name, want) {
				value, err := canonical.Read([]byte(v.JSON))
				if err != nil {
					t.Fatalf("line %d: Read(%s): %v", i+1, v.JSON, err)
				}
				if got := string(canonical.AppendValue(nil, value)); got != v.Canonical {
					t.Errorf("line %d: got %s, CPython prints %s", i+1, got, v.Canonical)
				}
				again, err := canonical.Read([]byte(v.Canonical))
				if err != nil {
					t.Fatalf("line %d: Read(%s): %v", i+1, v.Canonical, err)
				}
				if got := string(canonical.AppendValue(nil, again)); got != v.Canonical {
					t.Errorf("line %d: canonical form is not stable: %s became %s", i+1, v.Canonical, got)
				}
			}
		})
	}
}
