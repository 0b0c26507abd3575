package search

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"kuai/chain/consensus"
)

const (
	// chunk is how many proofs a core takes at a time: some 50 µs of work, so that a cancelled search ends soon and the cores
	// end together. It divides a run.
	chunk = 2000

	// yieldEvery is how many chunks a core takes before it lets the rest of the node run: some 0.4 ms, so that a new tip is
	// noticed in time where all cores search. To yield more often costs more, as the search may move to another core each time.
	yieldEvery = 8
)

// errExhausted is out of reach in practice: 2^53 tries take years.
var errExhausted = errors.New("no proof below 2^53 meets the target of this network")

// Proof returns the smallest proof from 0 that solves p. It adds its tries to tries as it goes. When ctx ends it returns the context's cause within a chunk. After each
// chunk of its own goroutine, and in each rest, it calls look, which may end ctx.
func Proof(ctx context.Context, p consensus.Puzzle, effort Effort, tries *atomic.Uint64, look func()) (int64, error) {
	s := &search{puzzle: p, share: effort.Share, tries: tries}
	s.best.Store(consensus.MaxProof)
	var others sync.WaitGroup
	for range effort.Cores - 1 {
		others.Go(func() { s.work(ctx, func() {}) })
	}
	s.work(ctx, look)
	others.Wait()
	if best := s.best.Load(); best < consensus.MaxProof {
		return best, nil
	}
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	return 0, errExhausted
}

// Effort is what a search may take of the machine.
type Effort struct {
	Cores int // from 1
	Share int // of their time, 1 to 100 percent
}

// search is what the cores that look for one proof share. Chunks are handed out in ascending order, and the core that takes one
// finishes it: when all have stopped and one has found a proof, every chunk below the best was scanned.
type search struct {
	puzzle consensus.Puzzle
	share  int
	next   atomic.Int64 // start of the first chunk that nobody has taken
	best   atomic.Int64 // lowest proof found, consensus.MaxProof before
	tries  *atomic.Uint64
}

// work scans chunks until the next one lies above the lowest proof found, or ctx ends.
func (s *search) work(ctx context.Context, look func()) {
	scanner, pace := newScanner(s.puzzle, fastest()), newPace(s.share)
	for chunks := 1; ctx.Err() == nil; chunks++ {
		from := s.next.Add(chunk) - chunk
		if from >= s.best.Load() {
			return
		}
		proof, found := scanner.scan(from, from+chunk)
		if found {
			s.tries.Add(uint64(proof-from) + 1)
			s.lower(proof)
			return
		}
		s.tries.Add(chunk)
		look()
		pace.rest(ctx, look)
		if chunks%yieldEvery == 0 {
			runtime.Gosched()
		}
	}
}

// lower makes proof the best where it is lower.
func (s *search) lower(proof int64) {
	for best := s.best.Load(); proof < best; best = s.best.Load() {
		if s.best.CompareAndSwap(best, proof) {
			return
		}
	}
}
