package canonical_test

import (
	"testing"

	"kuai/chain/canonical"
	"kuai/chain/canonical/canonicaltest"
)

// BenchmarkAppendCompact is what streaming /chain costs per byte of canonical text.
func BenchmarkAppendCompact(b *testing.B) {
	var raw []byte
	for _, v := range canonicaltest.Vectors(b, "testdata/blocks.jsonl", 400) {
		raw = append(raw, v.Canonical...)
	}
	dst := make([]byte, 0, len(raw))
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		dst = canonical.AppendCompact(dst[:0], raw)
	}
}
