package consensus_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"kuai/chain/consensus"
)

// vectors reads a file of CPython's answers, one JSON object a line, and fails if it does not hold want of them.
func vectors[T any](t testing.TB, name string, want int) []T {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var all []T
	for line := range strings.Lines(string(data)) {
		var v T
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%s line %d: %v", name, len(all)+1, err)
		}
		all = append(all, v)
	}
	if len(all) != want {
		t.Fatalf("%s holds %d vectors, want %d", name, len(all), want)
	}
	return all
}

type signatureVector struct{ Address, Network, Payment, Seed string }

func signatureVectors(t testing.TB) []signatureVector {
	return vectors[signatureVector](t, "secure_signatures.jsonl", 30)
}

// key returns the key of the vector's seed.
func (v signatureVector) key(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	seed, err := hex.DecodeString(v.Seed)
	if err != nil || len(seed) != ed25519.SeedSize {
		t.Fatalf("seed %q", v.Seed)
	}
	return ed25519.NewKeyFromSeed(seed)
}

// payment reads the vector's payment.
func (v signatureVector) payment(t testing.TB) consensus.Transaction {
	t.Helper()
	p, err := consensus.ParseSigned([]byte(v.Payment))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSignatureVectors(t *testing.T) {
	for i, v := range signatureVectors(t) {
		key := v.key(t)
		a := consensus.Address(key.Public().(ed25519.PublicKey))
		if a.String() != v.Address {
			t.Errorf("line %d: address %s, CPython says %s", i+1, a, v.Address)
		}
		p := v.payment(t)
		if err := p.CheckSignature(v.Network); err != nil {
			t.Errorf("line %d: %v", i+1, err)
		}
		bare := consensus.Transaction{Recipient: p.Recipient, Amount: p.Amount, ID: p.ID, HasID: true}
		if got := string(consensus.SignPayment(key, v.Network, bare).AppendCanonical(nil)); got != v.Payment {
			t.Errorf("line %d: signed as %s, CPython says %s", i+1, got, v.Payment)
		}
		for _, name := range []string{v.Address, p.Recipient} {
			if parsed, err := consensus.ParseAddress(name); err != nil || parsed.String() != name {
				t.Errorf("line %d: %s reads as %s, %v", i+1, name, parsed, err)
			}
		}
	}
}

// rootVector is a sealed block and the path of one of its leaves.
type rootVector struct {
	Block struct {
		Index        int64             `json:"index"`
		PreviousHash string            `json:"previous_hash"`
		Timestamp    json.RawMessage   `json:"timestamp"`
		Transactions []json.RawMessage `json:"transactions"`
	}
	Leaf int
	Path []string
	Root string
}

func TestRootVectors(t *testing.T) {
	for i, v := range vectors[rootVector](t, "secure_roots.jsonl", 30) {
		b := v.Block
		leaves := []consensus.Hash{consensus.LeafHash(fmt.Appendf(nil, `{"index": %d, "previous_hash": "%s", "timestamp": %s}`, b.Index, b.PreviousHash, b.Timestamp))}
		for _, tx := range b.Transactions {
			leaves = append(leaves, consensus.LeafHash(tx))
		}
		root := consensus.MerkleRoot(leaves)
		if root.String() != v.Root {
			t.Errorf("line %d: root %s, CPython says %s", i+1, root, v.Root)
		}
		var path []string
		for _, h := range consensus.MerklePath(leaves, v.Leaf) {
			path = append(path, h.String())
		}
		if fmt.Sprint(path) != fmt.Sprint(v.Path) {
			t.Errorf("line %d: path %v, CPython says %v", i+1, path, v.Path)
		}
		if got, ok := consensus.RootOfPath(leaves[v.Leaf], v.Leaf, len(leaves), consensus.MerklePath(leaves, v.Leaf)); !ok || got != root {
			t.Errorf("line %d: the path leads to %s, %t", i+1, got, ok)
		}
	}
}

type targetVector struct {
	BlockTime int64 `json:"block_time"`
	First     string
	Index     int64
	Seconds   int64
	Target    string
}

func TestTargetVectors(t *testing.T) {
	for i, v := range vectors[targetVector](t, "secure_targets.jsonl", 200) {
		first, err := consensus.ParseTarget(v.First)
		if err != nil {
			t.Fatal(err)
		}
		for _, start := range []int64{0, 1790000000} {
			p := consensus.Pace{First: first, BlockTime: v.BlockTime, Start: start}
			for _, fraction := range []float64{0, 0.5, 0.999} { // a timestamp is read as whole seconds
				if got := p.Next(v.Index, float64(start+v.Seconds)+fraction); got.String() != v.Target {
					t.Errorf("line %d, genesis at %d, %v: target %s, CPython says %s", i+1, start, fraction, got, v.Target)
				}
			}
		}
	}
}
