package chain_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"kuai/chain"
)

// vector is a line of testdata/*.jsonl: CPython's own answer.
type vector struct {
	JSON      string          `json:"json"`
	Canonical string          `json:"canonical"`
	Hash      string          `json:"hash"`
	Block     json.RawMessage `json:"block"`
}

// vectors reads a file of testdata and fails where it does not hold want lines.
func vectors(t testing.TB, name string, want int) []vector {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v vector
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

func TestCanonicalVectors(t *testing.T) {
	for name, want := range map[string]int{"numbers.jsonl": 2057, "strings.jsonl": 524, "blocks.jsonl": 400} {
		t.Run(name, func(t *testing.T) {
			for i, v := range vectors(t, name, want) {
				value, err := chain.Read([]byte(v.JSON))
				if err != nil {
					t.Fatalf("line %d: Read(%s): %v", i+1, v.JSON, err)
				}
				if got := string(chain.AppendValue(nil, value)); got != v.Canonical {
					t.Errorf("line %d: got %s, CPython prints %s", i+1, got, v.Canonical)
				}
				again, err := chain.Read([]byte(v.Canonical))
				if err != nil {
					t.Fatalf("line %d: Read(%s): %v", i+1, v.Canonical, err)
				}
				if got := string(chain.AppendValue(nil, again)); got != v.Canonical {
					t.Errorf("line %d: canonical form is not stable: %s became %s", i+1, v.Canonical, got)
				}
			}
		})
	}
}

func TestBlockVectors(t *testing.T) {
	r := chain.Classic()
	for i, v := range vectors(t, "blocks.jsonl", 400) {
		b, err := r.ReadBlock([]byte(v.JSON))
		if err != nil {
			t.Errorf("line %d: ReadBlock: %v", i+1, err)
			continue
		}
		if b.Hash().String() != v.Hash || string(b.Canonical()) != v.Canonical {
			t.Errorf("line %d: block %s, CPython says %s", i+1, b.Hash(), v.Hash)
		}
		parsed, err := r.ParseBlock([]byte(v.Canonical))
		if err != nil {
			t.Errorf("line %d: ParseBlock: %v", i+1, err)
		} else if parsed.Header() != b.Header() {
			t.Errorf("line %d: ParseBlock says %+v, ReadBlock %+v", i+1, parsed.Header(), b.Header())
		}
	}
}

func TestMinedChainVectors(t *testing.T) {
	r := chain.Classic()
	mined := vectors(t, "chain.jsonl", 60)
	if got := r.Genesis.Hash().String(); got != mined[0].Hash {
		t.Fatalf("classic genesis %s, CPython says %s", got, mined[0].Hash)
	}
	if got := r.Network(); got != "7fc07dc7599e3d61-1" {
		t.Errorf("network id %s", got)
	}
	parent := r.Genesis.Header()
	for i, v := range mined[1:] {
		b, err := r.ReadBlock(v.Block)
		if err != nil {
			t.Fatalf("block %d: %v", i+2, err)
		}
		if b.Hash().String() != v.Hash {
			t.Fatalf("block %d: hash %s, CPython says %s", i+2, b.Hash(), v.Hash)
		}
		if err := r.CheckLink(parent, b); err != nil {
			t.Fatalf("block %d: %v", i+2, err)
		}
		parent = b.Header()
	}
}
