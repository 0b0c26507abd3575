package rpc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// lined is a chain of n blocks more than the genesis as JSON lines, and a chain that has it.
func lined(t testing.TB, r *consensus.Rules, n int) (text []byte, c *chain.Chain) {
	t.Helper()
	c = chaintest.Open(t, r)
	chaintest.Grow(t, c, n)
	snap := c.Snapshot()
	defer snap.Close()
	var b bytes.Buffer
	if err := WriteLines(t.Context(), &b, snap, 1, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), c
}

func source(text string) Source {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

// TestLinesComeBack: a chain that was written as lines is adopted by another node, whole, and goes on where that one is.
func TestLinesComeBack(t *testing.T) {
	text, c := lined(t, consensus.Classic(), 50)
	lines := strings.SplitAfter(string(text), "\n")
	for i, line := range lines[:51] {
		b, err := c.At(int64(i) + 1)
		if err != nil || strings.TrimSuffix(line, "\n") != string(b.Block.Canonical()) {
			t.Fatalf("line %d is %s, %v", i+1, line, err)
		}
	}
	other := chaintest.Open(t, consensus.Classic())
	for _, part := range []string{strings.Join(lines[:20], ""), strings.ReplaceAll(string(text), "\n", "\r\n\r\n"), strings.TrimSuffix(string(text), "\n")} {
		if _, err := Import(t.Context(), other, source(part), "test", nil); err != nil {
			t.Fatal(err)
		}
	}
	if other.Tip().Hash != c.Tip().Hash {
		t.Errorf("tip %d", other.Tip().Index)
	}
}

// TestBrokenLinesLoseNothing: what is before the first bad line is adopted, and the error says which line it is. Mended, the import goes on.
func TestBrokenLinesLoseNothing(t *testing.T) {
	text, c := lined(t, consensus.Classic(), 30)
	lines := strings.SplitAfter(string(text), "\n")
	for name, broken := range map[string]struct {
		text, want string
		tip        int64
	}{
		"cut in a line":      {strings.Join(lines[:20], "") + lines[20][:40], "line 21: the file is cut off here", 20},
		"a line is missing":  {strings.Join(lines[:10], "") + strings.Join(lines[11:], ""), "line 11: block 11", 10},
		"a payment changed":  {strings.Replace(string(text), `"amount": 5`, `"amount": -5`, 1), "line 2: block 2: invalid (amount)", 1},
		"a line of nonsense": {strings.Join(lines[:15], "") + "nonsense\n" + lines[15], "line 16: block 16", 15},
	} {
		other := chaintest.Open(t, consensus.Classic())
		_, err := Import(t.Context(), other, source(broken.text), "test", nil)
		if line := (*LineError)(nil); !errors.As(err, &line) || !strings.Contains(err.Error(), broken.want) || other.Tip().Index != broken.tip {
			t.Errorf("%s: at block %d, %v; want %d, %s", name, other.Tip().Index, err, broken.tip, broken.want)
		}
		if _, err := Import(t.Context(), other, source(string(text)), "test", nil); err != nil || other.Tip().Hash != c.Tip().Hash {
			t.Errorf("%s: mended: at block %d, %v", name, other.Tip().Index, err)
		}
	}
	longer := chaintest.Open(t, consensus.Classic())
	chaintest.Grow(t, longer, 40)
	before := longer.Tip()
	if _, err := Import(t.Context(), longer, source(strings.Join(lines[:20], "")+"nonsense\n"), "test", nil); err == nil || longer.Tip() != before {
		t.Errorf("a shorter chain that is broken: tip %v, %v", longer.Tip(), err)
	}
}

// BenchmarkImportLines imports blocks of one payment, whose proofs take one zero, from lines into a chain in memory.
func BenchmarkImportLines(b *testing.B) {
	const blocks = 100_000
	text, _ := lined(b, chaintest.Rules(), blocks)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		c := chaintest.Open(b, chaintest.Rules())
		if done, err := Import(b.Context(), c, source(string(text)), "test", nil); err != nil || done.Length != blocks+1 {
			b.Fatal(done, err)
		}
	}
	b.ReportMetric(float64(blocks*b.N)/b.Elapsed().Seconds(), "blocks/s")
}

// BenchmarkExportLines writes blocks of one payment as lines.
func BenchmarkExportLines(b *testing.B) {
	const blocks = 100_000
	text, c := lined(b, chaintest.Rules(), blocks)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		snap := c.Snapshot()
		if err := WriteLines(b.Context(), io.Discard, snap, 1, nil); err != nil {
			b.Fatal(err)
		}
		snap.Close()
	}
	b.ReportMetric(float64(blocks*b.N)/b.Elapsed().Seconds(), "blocks/s")
}
