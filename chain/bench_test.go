package chain_test

import (
	"bytes"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/store"
)

// benchRules is a network whose blocks seal at once.
func benchRules() *chain.Rules {
	r := chaintest.Rules()
	r.Zeros = 0
	return r
}

// sealRun makes segments of n blocks in all, each block with one payment.
func sealRun(tb testing.TB, r *chain.Rules, n, per int) []*chain.Segment {
	tb.Helper()
	var segments []*chain.Segment
	parent := r.Genesis.Header()
	for n > 0 {
		raws := make([][]byte, min(n, per))
		for i := range raws {
			b := chaintest.Block(tb, r, parent, "12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo", chaintest.Payment())
			raws[i], parent = b.Canonical(), b.Header()
		}
		n -= len(raws)
		s, _, err := r.ParseSegment(raws)
		if err != nil {
			tb.Fatal(err)
		}
		segments = append(segments, s)
	}
	return segments
}

// BenchmarkInsert adds checked blocks in segments of 2,048 to a chain on disk, one payment each, and syncs at the end.
// BenchmarkInsert/engine puts the same keys and bytes into the same engine, without a chain.
func BenchmarkInsert(b *testing.B) {
	r := benchRules()
	b.Run("chain", func(b *testing.B) {
		segments := sealRun(b, r, b.N, 2048)
		st, err := store.Open(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		defer st.Close()
		c, err := chain.Open(st, r, time.Now)
		if err != nil {
			b.Fatal(err)
		}
		insert(b, c, segments)
	})
	b.Run("engine", func(b *testing.B) {
		var pages []page
		for _, s := range sealRun(b, r, b.N, 2048) {
			pages = append(pages, sortedPage(s.Blocks()))
		}
		st, err := store.Open(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		defer st.Close()
		cpu := cpuTime(b)
		b.ResetTimer()
		for _, p := range pages {
			p.insert(b, st)
		}
		if err := st.Sync(); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "blocks/s")
		b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N), "cpu-ns/op")
	})
}

func insert(b *testing.B, c *chain.Chain, segments []*chain.Segment) {
	cpu := cpuTime(b)
	b.ResetTimer()
	for _, s := range segments {
		if _, err := c.AddSegment(s, "peer"); err != nil {
			b.Fatal(err)
		}
	}
	if err := c.Sync(); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "blocks/s")
	b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N), "cpu-ns/op")
}

// page is what the chain writes for a segment, in the same order.
type page struct {
	blocks, byHash []*chain.Block
	ids            []minedID
}

type minedID struct {
	id     chain.ID
	index  int64
	offset int
}

func sortedPage(blocks []*chain.Block) page {
	p := page{blocks: blocks, byHash: slices.Clone(blocks)}
	slices.SortFunc(p.byHash, func(a, b *chain.Block) int {
		x, y := a.Hash(), b.Hash()
		return bytes.Compare(x[:], y[:])
	})
	for _, b := range blocks {
		for offset, id := range b.IDs() {
			p.ids = append(p.ids, minedID{id, b.Index(), offset})
		}
	}
	slices.SortFunc(p.ids, func(a, b minedID) int { return bytes.Compare(a.id[:], b.id[:]) })
	return p
}

func (p page) insert(tb testing.TB, st *store.Store) {
	batch := st.NewBatch()
	defer batch.Close()
	for _, b := range p.blocks {
		batch.SetBlock(store.Place{Index: b.Index()}, store.Origin{From: 2, Received: 1_700_000_000_000}, b.Canonical())
	}
	for _, b := range p.byHash {
		batch.SetPlace(b.Hash(), store.Place{Index: b.Index()})
	}
	for _, m := range p.ids {
		batch.SetMined(m.id, m.index, m.offset)
	}
	if err := st.Apply(batch); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkSubmit adds payments to the pool of a chain on disk, synced in groups.
func BenchmarkSubmit(b *testing.B) {
	st, err := store.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	c, err := chain.Open(st, benchRules(), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	var mining sync.Mutex
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Submit(chaintest.Payment(), ""); err == chain.ErrPoolFull {
				mining.Lock()
				chaintest.MineOn(b, c, 1)
				mining.Unlock()
			} else if err != nil {
				b.Error(err)
			}
			if err := c.Sync(); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "payments/s")
}

// cpuTime is what the process has used of the processors: on a busy machine it says more than the clock.
func cpuTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
