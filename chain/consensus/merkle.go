package consensus

import (
	"crypto/sha256"
	"math/bits"
)

// The trees here are those of RFC 6962, section 2.1. A leaf's hash starts with another byte than that of two subtrees, so no inner
// node can be passed off as a leaf.
const (
	leafMark = 0x00
	nodeMark = 0x01
)

// LeafHash returns the hash of a leaf: SHA-256 of 00 and the leaf.
func LeafHash(leaf []byte) Hash {
	var buffer [leafRoom + 1]byte // on the stack: every payment of every block comes here
	return sha256.Sum256(append(append(buffer[:0], leafMark), leaf...))
}

// nodeHash returns the hash of a node: SHA-256 of 01 and the hashes below it.
func nodeHash(left, right Hash) Hash {
	var text [1 + 2*len(left)]byte
	text[0] = nodeMark
	copy(text[1:], left[:])
	copy(text[1+len(left):], right[:])
	return sha256.Sum256(text[:])
}

// MerkleRoot returns the root of the tree with these leaf hashes. The root of no leaves is the SHA-256 of nothing.
func MerkleRoot(leaves []Hash) Hash {
	if len(leaves) == 0 {
		return sha256.Sum256(nil)
	}
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := leftLeaves(len(leaves))
	return nodeHash(MerkleRoot(leaves[:k]), MerkleRoot(leaves[k:]))
}

// tree is the tree of leaves that come one by one. It holds the roots of the full subtrees so far: one for each bit of their number.
type tree struct {
	leaves int
	roots  [24]Hash // roots[i] has 2^i leaves, if bit i of leaves is set
}

func (t *tree) add(leaf Hash) {
	level := 0
	for ; t.leaves>>level&1 == 1; level++ {
		leaf = nodeHash(t.roots[level], leaf)
	}
	t.roots[level] = leaf
	t.leaves++
}

// root returns the root of at least one leaf: the smaller subtrees are on the right.
func (t *tree) root() (root Hash) {
	level := bits.TrailingZeros(uint(t.leaves))
	root = t.roots[level]
	for level++; t.leaves>>level > 0; level++ {
		if t.leaves>>level&1 == 1 {
			root = nodeHash(t.roots[level], root)
		}
	}
	return root
}

// MerklePath returns the hashes that lead from leaf i, which must be in range, to the root: the sibling of each subtree that holds the
// leaf, the lowest first.
func MerklePath(leaves []Hash, i int) []Hash {
	if len(leaves) == 1 {
		return nil
	}
	k := leftLeaves(len(leaves))
	if i < k {
		return append(MerklePath(leaves[:k], i), MerkleRoot(leaves[k:]))
	}
	return append(MerklePath(leaves[k:], i-k), MerkleRoot(leaves[:k]))
}

// leftLeaves returns how many of n leaves, n at least 2, are in the left subtree: the largest power of two below n.
func leftLeaves(n int) int { return 1 << (bits.Len(uint(n-1)) - 1) }

// RootOfPath returns the root that path leads to from the leaf with that hash, which is number i of n. ok is false if the path has not
// the one length that i and n allow.
func RootOfPath(leaf Hash, i, n int, path []Hash) (root Hash, ok bool) {
	if i < 0 || i >= n {
		return Hash{}, false
	}
	root = leaf
	for last := n - 1; last > 0; i, last = i/2, last/2 { // i and last: the positions of the leaf's subtree and of the last one on this level
		if i == last && i%2 == 0 { // no sibling: the subtree moves up as it is
			continue
		}
		if len(path) == 0 {
			return Hash{}, false
		}
		if i%2 == 1 {
			root = nodeHash(path[0], root)
		} else {
			root = nodeHash(root, path[0])
		}
		path = path[1:]
	}
	return root, len(path) == 0
}
