package consensus_test

import (
	"crypto/sha256"
	"math/rand/v2"
	"slices"
	"testing"

	"kuai/chain/consensus"
)

// tree is a Merkle tree as a linked structure, built from the bottom: RFC 6962 again by another way. An inner node is made of each pair
// on a level, and the odd one out moves up.
type tree struct {
	hash                consensus.Hash
	left, right, parent *tree
}

func buildTree(leaves []consensus.Hash) (root *tree, all []*tree) {
	for _, h := range leaves {
		all = append(all, &tree{hash: h})
	}
	level := slices.Clone(all)
	for len(level) > 1 {
		var next []*tree
		for pair := range slices.Chunk(level, 2) {
			if len(pair) == 1 {
				next = append(next, pair[0])
				continue
			}
			text := append([]byte{1}, pair[0].hash[:]...)
			n := &tree{hash: sha256.Sum256(append(text, pair[1].hash[:]...)), left: pair[0], right: pair[1]}
			pair[0].parent, pair[1].parent = n, n
			next = append(next, n)
		}
		level = next
	}
	return level[0], all
}

func (n *tree) path() (path []consensus.Hash) {
	for ; n.parent != nil; n = n.parent {
		sibling := n.parent.left
		if sibling == n {
			sibling = n.parent.right
		}
		path = append(path, sibling.hash)
	}
	return path
}

func someLeaves(rng *rand.Rand, n int) []consensus.Hash {
	leaves := make([]consensus.Hash, n)
	for i := range leaves {
		leaves[i] = consensus.LeafHash([]byte{byte(rng.Uint32()), byte(i), byte(i >> 8)})
	}
	return leaves
}

// TestMerkleTrees compares all trees of up to 70 leaves, and some of a full block, with the linked ones.
func TestMerkleTrees(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	counts := []int{127, 128, 129, 1000, 2001}
	for n := 1; n <= 70; n++ {
		counts = append(counts, n)
	}
	for _, n := range counts {
		leaves := someLeaves(rng, n)
		want, nodes := buildTree(leaves)
		if got := consensus.MerkleRoot(leaves); got != want.hash {
			t.Fatalf("%d leaves: root %s, want %s", n, got, want.hash)
		}
		for i := 0; i < n; i += 1 + n/80 {
			path := consensus.MerklePath(leaves, i)
			if !slices.Equal(path, nodes[i].path()) || len(path) > 12 {
				t.Fatalf("%d leaves: path of leaf %d: %s", n, i, path)
			}
			if root, ok := consensus.RootOfPath(leaves[i], i, n, path); !ok || root != want.hash {
				t.Fatalf("%d leaves: the path of leaf %d leads to %s, %t", n, i, root, ok)
			}
		}
	}
	if got := consensus.MerkleRoot(nil); got != sha256.Sum256(nil) {
		t.Errorf("no leaves: %s", got)
	}
}

// TestMerkleForgeries: a path proves one leaf at one position of one tree.
func TestMerkleForgeries(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for n := 1; n <= 33; n++ {
		leaves := someLeaves(rng, n)
		root := consensus.MerkleRoot(leaves)
		proves := func(leaf consensus.Hash, i, count int, path []consensus.Hash) bool {
			got, ok := consensus.RootOfPath(leaf, i, count, path)
			return ok && got == root
		}
		for i := range n {
			path := consensus.MerklePath(leaves, i)
			for j := range n {
				if j != i && (proves(leaves[j], i, n, path) || proves(leaves[i], j, n, path)) {
					t.Fatalf("%d leaves: the path of %d proves %d", n, i, j)
				}
			}
			for k := range path {
				forged := slices.Clone(path)
				forged[k][rng.IntN(32)] ^= 1 << rng.IntN(8)
				short := slices.Delete(slices.Clone(path), k, k+1)
				if proves(leaves[i], i, n, forged) || proves(leaves[i], i, n, short) {
					t.Fatalf("%d leaves: a forged path proves leaf %d", n, i)
				}
			}
			if proves(leaves[i], i, n, append(slices.Clone(path), root)) {
				t.Fatalf("%d leaves: a path that is too long proves leaf %d", n, i)
			}
		}
		for _, i := range []int{-1, n, n + 1, 1 << 62} {
			if _, ok := consensus.RootOfPath(leaves[0], i, n, nil); ok {
				t.Errorf("leaf %d of %d", i, n)
			}
		}
	}
	// The hash of an inner node is not that of a leaf whose bytes are the two hashes.
	two := someLeaves(rng, 2)
	if consensus.LeafHash(append(two[0][:], two[1][:]...)) == consensus.MerkleRoot(two) {
		t.Error("an inner node passes as a leaf")
	}
}

// FuzzRootOfPath: any path leads to a root or to none, in bounded time, and only that of the right length to one.
func FuzzRootOfPath(f *testing.F) {
	f.Add(3, 7, make([]byte, 96))
	f.Add(6, 7, make([]byte, 64))
	f.Add(-1, 0, []byte{})
	f.Add(1<<62, 1<<62+1, make([]byte, 32))
	f.Fuzz(func(t *testing.T, i, n int, text []byte) {
		var path []consensus.Hash
		for part := range slices.Chunk(text, 32) {
			var h consensus.Hash
			copy(h[:], part)
			path = append(path, h)
		}
		_, ok := consensus.RootOfPath(consensus.Hash{1}, i, n, path)
		if i < 0 || i >= n {
			if ok {
				t.Fatalf("leaf %d of %d", i, n)
			}
			return
		}
		if want := len(path) == pathLength(i, n); ok != want {
			t.Fatalf("leaf %d of %d, %d hashes: %t", i, n, len(path), ok)
		}
	})
}

// pathLength returns how many hashes the path of leaf i of n has, by the definition of the tree.
func pathLength(i, n int) int {
	if n == 1 {
		return 0
	}
	k := 1
	for k <= (n-1)/2 {
		k *= 2
	}
	if i < k {
		return 1 + pathLength(i, k)
	}
	return 1 + pathLength(i-k, n-k)
}
