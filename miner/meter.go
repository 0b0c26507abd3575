package miner

import (
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"kuai/chain"
	"kuai/miner/search"
)

// Status is what the miner is doing.
type Status struct {
	Mode      Mode
	Cores     int           // that a search uses
	Share     int           // of their time, in percent
	Kernel    string        // the inner loop that it uses on this processor
	Searching bool          // now
	Callers   int           // of Mine: one has the turn, the others wait
	Tries     uint64        // of the running search, or of the last one
	Total     uint64        // tries since the start
	Blocks    uint64        // blocks sealed since the start, for proofs of Submit, too
	Stale     uint64        // searches and blocks given up because another block came first
	Rate      float64       // tries per second of recent searching, all cores together; 0 before the first
	Expected  time.Duration // mean time to a block at this rate; 0 while the rate is unknown
}

// Status returns what the miner is doing.
func (m *Miner) Status() Status {
	s := m.meter.read(time.Now())
	s.Kernel = search.Kernel()
	s.Mode, s.Cores, s.Share, s.Callers = m.Mode(), int(m.cores.Load()), int(m.share.Load()), len(m.places)
	if s.Rate > 0 {
		mean := m.chain.Rules().TargetAfter(m.chain.Tip()).Tries() / s.Rate * float64(time.Second)
		s.Expected = time.Duration(min(mean, math.MaxInt64/2))
	}
	return s
}

// meter counts tries and the time that they took.
type meter struct {
	tries         atomic.Uint64 // since the start
	blocks, stale atomic.Uint64

	mu     sync.Mutex
	begun  time.Time     // of the running search; zero between searches
	before uint64        // tries when the last search began
	after  uint64        // tries when it ended
	recent uint64        // tries of recent searches
	spent  time.Duration // time that they took
}

// memory is about how much searching the rate is averaged over.
const memory = 10 * time.Second

func (m *meter) begin(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begun, m.before = now, m.tries.Load()
}

func (m *meter) end(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.after = m.tries.Load()
	m.recent += m.after - m.before
	m.spent += now.Sub(m.begun)
	m.begun = time.Time{}
	for m.spent > memory {
		m.recent, m.spent = m.recent/2, m.spent/2
	}
}

// count counts what became of a search, and passes err on.
func (m *meter) count(err error) error {
	switch {
	case err == nil:
		m.blocks.Add(1)
	case errors.Is(err, chain.ErrStale):
		m.stale.Add(1)
	}
	return err
}

func (m *meter) read(now time.Time) Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Status{Total: m.tries.Load(), Blocks: m.blocks.Load(), Stale: m.stale.Load(), Searching: !m.begun.IsZero()}
	s.Tries = m.after - min(m.before, m.after)
	recent, spent := m.recent, m.spent
	if s.Searching {
		s.Tries = s.Total - m.before
		recent, spent = recent+s.Tries, spent+now.Sub(m.begun)
	}
	if spent > 0 {
		s.Rate = float64(recent) / spent.Seconds()
	}
	return s
}
