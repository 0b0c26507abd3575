package consensus_test

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// number is w as the library has it.
func number(w consensus.Work) *big.Int {
	n := new(big.Int)
	for _, word := range w {
		n.Add(n.Lsh(n, 64), new(big.Int).SetUint64(word))
	}
	return n
}

func TestWorkIsAnInteger(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	draw := func() (w consensus.Work) {
		for i := 1 + random.IntN(3); i < len(w); i++ { // the highest word stays free for the sum
			w[i] = random.Uint64() >> random.IntN(64)
			if random.IntN(4) == 0 {
				w[i] = ^uint64(0)
			}
		}
		return w
	}
	for range 10_000 {
		a, b := draw(), draw()
		if got, want := number(a.Add(b)), new(big.Int).Add(number(a), number(b)); got.Cmp(want) != 0 {
			t.Fatalf("%v + %v = %v, want %v", a, b, got, want)
		}
		if got, want := a.Compare(b), number(a).Cmp(number(b)); got != want {
			t.Fatalf("%v against %v: %d, want %d", a, b, got, want)
		}
	}
}

func TestLongerChainIsHeavier(t *testing.T) {
	r := chaintest.Rules()
	state := func(index int64, hash byte) consensus.State {
		s := r.Start()
		for s.Tip.Index < index {
			s = r.Next(s, consensus.Header{Index: s.Tip.Index + 1, Hash: consensus.Hash{hash}})
		}
		return s
	}
	if !consensus.Heavier(state(8, 1), state(7, 2)) || consensus.Heavier(state(7, 1), state(8, 2)) || consensus.Heavier(state(7, 1), state(7, 2)) {
		t.Error("a chain replaces another that is as long, or does not replace a shorter one")
	}
}

// TestPuzzleIsTheProofsFormula: what a miner solves is what a block is checked for.
func TestPuzzleIsTheProofsFormula(t *testing.T) {
	r := chaintest.Rules()
	parent := chaintest.Block(t, r, r.Genesis.Header(), "miner").Header()
	puzzle, solved := r.Puzzle(consensus.Draft{Parent: parent}), 0
	for proof := range int64(1000) {
		valid := r.ValidProof(parent.Proof, proof, parent.Hash)
		if puzzle.Solves(proof) != valid {
			t.Fatalf("proof %d: the puzzle and the check differ", proof)
		}
		if valid {
			solved++
		}
	}
	if solved == 0 {
		t.Error("no proof was valid")
	}
}

// TestZerosAreATarget: the number of zeros and the target say the same of any hash, also beside the border.
func TestZerosAreATarget(t *testing.T) {
	for zeros := range 65 {
		target := consensus.ZerosTarget(zeros)
		atMost, above := consensus.Hash(target), consensus.Hash{}
		if next := new(big.Int).Add(new(big.Int).SetBytes(target[:]), big.NewInt(1)); next.BitLen() <= 256 {
			next.FillBytes(above[:])
			if target.Met(above) || above.HasZeros(zeros) {
				t.Errorf("%d zeros: %s meets the target %s, or has the zeros", zeros, above, target)
			}
		}
		if !target.Met(atMost) || !atMost.HasZeros(zeros) {
			t.Errorf("%d zeros: the target %s is not met by itself, or has not the zeros", zeros, target)
		}
	}
}
