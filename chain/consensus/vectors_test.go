package consensus_test

import (
	"testing"

	"kuai/chain/canonical/canonicaltest"
	"kuai/chain/consensus"
)

func TestBlockVectors(t *testing.T) {
	r := consensus.Classic()
	for i, v := range canonicaltest.Vectors(t, "../canonical/testdata/blocks.jsonl", 400) {
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
	r := consensus.Classic()
	mined := canonicaltest.Vectors(t, "testdata/chain.jsonl", 60)
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
