package search

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"kuai/chain/consensus"
)

// hashOf gives a hash that depends on seed alone.
func hashOf(seed int64) consensus.Hash { return sha256.Sum256(fmt.Append(nil, seed)) }

func TestSearchFindsTheSmallestProof(t *testing.T) {
	for zeros, chains := range []int{200, 200, 200, 100, 4} {
		for cores := 1; cores <= 3; cores++ {
			last := int64(100)
			for i := range chains {
				p := puzzleOf(last, hashOf(int64(i)), zeros)
				var tries atomic.Uint64
				got, err := Proof(t.Context(), p, Effort{cores, 100}, &tries, func() {})
				if want, _ := careful(p, 0, consensus.MaxProof); err != nil || got != want {
					t.Fatalf("%d cores, %+v: got %d, %v, want %d", cores, p, got, err, want)
				}
				if tries.Load() <= uint64(got) {
					t.Errorf("%d tries for the proof %d: every lower one must be tried", tries.Load(), got)
				}
				last = got
			}
		}
	}
}

func TestSearchFindsTheSmallestNonce(t *testing.T) {
	for cores := 1; cores <= 3; cores++ {
		last := int64(0)
		for i := range int64(50) {
			p := sealedOn(last, i, consensus.ZerosTarget(3))
			got, err := Proof(t.Context(), p, Effort{cores, 100}, new(atomic.Uint64), func() {})
			if want, _ := lowest(p, 0, consensus.MaxProof); err != nil || got != want {
				t.Fatalf("%d cores, %+v: got %d, %v, want %d", cores, p, got, err, want)
			}
			last = got
		}
	}
}

// The tutorial's first block after its genesis of proof 100, by its own definition of the message.
func TestSearchFindsTheTutorialsProof(t *testing.T) {
	const lastProof = 100
	last := hashOf(lastProof)
	guess := func(proof int64) string {
		return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%d%d%s", lastProof, proof, last)))
	}
	want := int64(0)
	for !strings.HasPrefix(guess(want), "0000") {
		want++
	}
	if got, err := Proof(t.Context(), puzzleOf(lastProof, last, 4), Effort{1, 100}, new(atomic.Uint64), func() {}); err != nil || got != want {
		t.Errorf("got %d, %v, want %d", got, err, want)
	}
}

func TestSearchEndsWithItsContext(t *testing.T) {
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	var tries atomic.Uint64
	done := make(chan error)
	go func() {
		_, err := Proof(ctx, puzzleOf(1, hashOf(1), 16), Effort{2, 100}, &tries, func() {})
		done <- err
	}()
	for tries.Load() == 0 {
	}
	cancel(reason)
	if err := <-done; err != reason {
		t.Errorf("got %v, want the context's cause", err)
	}
}

// puzzleOf is the puzzle of a block on a parent with that proof and hash.
func puzzleOf(lastProof int64, last consensus.Hash, zeros int) consensus.Puzzle {
	r := consensus.Classic()
	r.Zeros = zeros
	return r.Puzzle(consensus.Draft{Parent: consensus.Header{Proof: lastProof, Hash: last}})
}
