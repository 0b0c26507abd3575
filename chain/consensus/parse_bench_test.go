package consensus

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"testing"
)

// benchBlock returns a block with n payments that extends parent by a valid proof. Payments are spelled as nodes spell
// them: a short sender, a node's id as the recipient, some amounts with cents; timestamps are Python's, to 0.1 µs.
func benchBlock(b testing.TB, r *Rules, parent Header, n int) *Block {
	txs := make([]Transaction, 0, n+1)
	for i := range n {
		t := Transaction{Sender: "alice", Recipient: "d4ee26eee15148ee92c6cd394edd974e", Amount: "5", HasID: true}
		if i%4 == 3 {
			t.Amount = "19.95"
		}
		binary.BigEndian.PutUint64(t.ID[:], uint64(i+1)*0x9e3779b97f4a7c15)
		txs = append(txs, t)
	}
	txs = append(txs, Transaction{Sender: RewardSender, Recipient: "d4ee26eee15148ee92c6cd394edd974e", Amount: r.Reward})
	proof := int64(0)
	for !r.ValidProof(parent.Proof, proof, parent.Hash) {
		proof++
	}
	block, err := r.NewBlock(parent, proof, 1792458752.1752946+float64(parent.Index), txs)
	if err != nil {
		b.Fatal(err)
	}
	return block
}

var benchSizes = []int{1, 1000}

// BenchmarkParseBlock is all that can be known of a block from its bytes and its parent.
func BenchmarkParseBlock(b *testing.B) {
	r := Classic()
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			parent := r.Genesis.Header()
			raw := benchBlock(b, r, parent, n).Canonical()
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				block, err := r.ParseBlock(raw)
				if err == nil {
					err = r.CheckLink(parent, block)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkParseBlocks is the same for a run of small blocks, per block.
func BenchmarkParseBlocks(b *testing.B) {
	r := Classic()
	parent := r.Genesis.Header()
	var raws [][]byte
	for range 64 {
		block := benchBlock(b, r, parent, 1)
		raws = append(raws, block.Canonical())
		parent = block.Header()
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += len(raws) {
		if _, _, err := r.ParseBlocks(raws); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHashAndProof is the part of BenchmarkParseBlock that no parser can save.
func BenchmarkHashAndProof(b *testing.B) {
	r := Classic()
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			parent := r.Genesis.Header()
			block := benchBlock(b, r, parent, n)
			b.SetBytes(int64(len(block.Canonical())))
			b.ReportAllocs()
			for b.Loop() {
				if sha256.Sum256(block.Canonical()) != block.Hash() || !r.ValidProof(parent.Proof, block.Header().Proof, parent.Hash) {
					b.Fatal("the block is not valid")
				}
			}
		})
	}
}

// BenchmarkEncodingJSON decodes the same block with the standard library and checks nothing, hashes nothing.
func BenchmarkEncodingJSON(b *testing.B) {
	r := Classic()
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			raw := benchBlock(b, r, r.Genesis.Header(), n).Canonical()
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				var block struct {
					Index        int64   `json:"index"`
					Previous     string  `json:"previous_hash"`
					Proof        int64   `json:"proof"`
					Timestamp    float64 `json:"timestamp"`
					Transactions []struct {
						Amount    json.Number `json:"amount"`
						ID        string      `json:"id"`
						Recipient string      `json:"recipient"`
						Sender    string      `json:"sender"`
					} `json:"transactions"`
				}
				if err := json.Unmarshal(raw, &block); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkIDs is the walk that indexes a block's transactions.
func BenchmarkIDs(b *testing.B) {
	r := Classic()
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			block := benchBlock(b, r, r.Genesis.Header(), n)
			b.ReportAllocs()
			for b.Loop() {
				found := 0
				for range block.IDs() {
					found++
				}
				if found != n {
					b.Fatalf("%d ids, want %d", found, n)
				}
			}
		})
	}
}

// BenchmarkTransactions decodes a block's transactions.
func BenchmarkTransactions(b *testing.B) {
	r := Classic()
	block := benchBlock(b, r, r.Genesis.Header(), 1000)
	b.ReportAllocs()
	for b.Loop() {
		block.Transactions()
	}
}
