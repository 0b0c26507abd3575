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

// sealRun makes segments of up to 2,048 blocks, n in all.
func sealRun(tb testing.TB, r *chain.Rules, n int, seal func(parent chain.Header) *chain.Block) (segments []*chain.Segment) {
	tb.Helper()
	const most = 2048
	for parent := r.Genesis.Header(); n > 0; n -= most {
		blocks := make([]*chain.Block, min(n, most))
		for i := range blocks {
			blocks[i] = seal(parent)
			parent = blocks[i].Header()
		}
		segments = append(segments, segment(tb, r, blocks))
	}
	return segments
}

// BenchmarkInsert adds checked blocks in segments of 2,048 to a chain on disk, one payment each, and syncs at the end.
// BenchmarkInsert/engine puts the same keys and bytes into the same engine, without a chain.
func BenchmarkInsert(b *testing.B) {
	r := benchRules()
	seal := func(parent chain.Header) *chain.Block {
		return chaintest.Block(b, r, parent, "12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo", chaintest.Payment())
	}
	b.Run("chain", func(b *testing.B) { insert(b, r, sealRun(b, r, b.N, seal)) })
	b.Run("engine", func(b *testing.B) {
		var pages []page
		for _, s := range sealRun(b, r, b.N, seal) {
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

// insert adds the segments to a new chain on disk, and syncs.
func insert(b *testing.B, r *chain.Rules, segments []*chain.Segment) {
	c, shut := chaintest.OpenDisk(b, r, b.TempDir())
	defer shut()
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
	c, shut := chaintest.OpenDisk(b, benchRules(), b.TempDir())
	defer shut()
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
