package miner

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"kuai/chain"
)

// naive is the tutorial's own loop.
func naive(p puzzle) int64 {
	for proof := int64(0); ; proof++ {
		if valid(p, proof) {
			return proof
		}
	}
}

// valid says whether proof solves p, in the tutorial's words.
func valid(p puzzle, proof int64) bool {
	guess := fmt.Sprintf("%d%d%s", p.lastProof, proof, p.last)
	return strings.HasPrefix(fmt.Sprintf("%x", sha256.Sum256([]byte(guess))), strings.Repeat("0", p.zeros))
}

// hashOf gives a hash that depends on seed alone.
func hashOf(seed int64) chain.Hash { return sha256.Sum256(fmt.Append(nil, seed)) }

func TestSearchFindsTheSmallestProof(t *testing.T) {
	for zeros := range 5 {
		for cores := 1; cores <= 3; cores++ {
			last, runs := int64(100), 200>>(2*max(zeros-2, 0))
			for i := range runs {
				p := puzzle{last, hashOf(int64(i)), zeros}
				var tries atomic.Uint64
				got, err := Search(t.Context(), p.lastProof, p.last, zeros, cores, &tries)
				if want := naive(p); err != nil || got != want {
					t.Fatalf("zeros %d, cores %d, last proof %d, hash %v: got %d, %v, want %d", zeros, cores, last, p.last, got, err, want)
				}
				if tries.Load() <= uint64(got) {
					t.Errorf("%d tries for the proof %d: every lower one must be tried", tries.Load(), got)
				}
				last = got
			}
		}
	}
}

func TestSearchEndsWithItsContext(t *testing.T) {
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	var tries atomic.Uint64
	done := make(chan error)
	go func() {
		_, err := Search(ctx, 1, hashOf(1), 16, 2, &tries)
		done <- err
	}()
	for tries.Load() == 0 {
	}
	cancel(reason)
	if err := <-done; err != reason {
		t.Errorf("got %v, want the context's cause", err)
	}
}
