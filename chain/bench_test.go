package chain_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
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

// BenchmarkInsert/chain adds checked blocks in segments of 2,048 to a chain on disk, one payment each, and syncs at the end.
// BenchmarkInsert/engine puts the same keys and bytes into the same engine, without a chain; the metrics in % are the speed of the chain
// against that, by the clock and by the processor's time.
func BenchmarkInsert(b *testing.B) {
	r := benchRules()
	seal := func(parent chain.Header) *chain.Block {
		return chaintest.Block(b, r, parent, "12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo", chaintest.Payment())
	}
	var engine speed
	b.Run("engine", func(b *testing.B) {
		pages := pagesOf(sealRun(b, r, b.N, seal))
		st, err := store.Open(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		defer st.Close()
		engine = measure(b, func() error {
			for _, p := range pages {
				p.insert(b, st)
			}
			return st.Sync()
		})
	})
	b.Run("chain", func(b *testing.B) {
		own := insert(b, r, sealRun(b, r, b.N, seal))
		if engine != (speed{}) { // it was not left out
			b.ReportMetric(100*engine.clock/own.clock, "%")
			b.ReportMetric(100*engine.cpu/own.cpu, "cpu-%")
		}
	})
}

// insert adds the segments to a new chain on disk, and syncs.
func insert(b *testing.B, r *chain.Rules, segments []*chain.Segment) speed {
	c, shut := chaintest.OpenDisk(b, r, b.TempDir())
	defer shut()
	return measure(b, func() error {
		for _, s := range segments {
			if _, err := c.AddSegment(s, "peer"); err != nil {
				return err
			}
		}
		return c.Sync()
	})
}

// speed is what one block takes, in nanoseconds.
type speed struct{ clock, cpu float64 }

// measure times the insertion of b.N blocks.
func measure(b *testing.B, insert func() error) (s speed) {
	cpu := cpuTime(b)
	b.ResetTimer()
	if err := insert(); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	s.clock, s.cpu = float64(b.Elapsed())/float64(b.N), float64(cpuTime(b)-cpu)/float64(b.N)
	b.ReportMetric(1e9/s.clock, "blocks/s")
	b.ReportMetric(s.cpu, "cpu-ns/op")
	return s
}

// page is what the chain writes for a segment, in the same order.
type page struct {
	blocks, byHash []*chain.Block
	ids            []minedID
	addresses      []addressChange
	tip            chain.Header
	record         uint32 // of the id filter
	hashes         []byte // in it, nil where none is written
}

type minedID struct {
	id     chain.ID
	index  int64
	offset int
}

// addressChange is what a page changes about an address.
type addressChange struct {
	address store.Address
	total   store.Account
	runs    []store.Run
}

// benchOrigin is that of all blocks: the first peer.
var benchOrigin = store.Origin{From: 2, Received: 1_700_000_000_000}

// filterRecord is how many new ids make a record of the id filter.
const filterRecord = 4096

func pagesOf(segments []*chain.Segment) (pages []page) {
	var hashes []byte
	record := uint32(0)
	for _, s := range segments {
		p := sortedPage(s.Blocks())
		for _, m := range p.ids {
			hashes = append(hashes, m.id[:4]...) // as many bytes as a hash has
		}
		if len(hashes) >= 4*filterRecord {
			p.record, p.hashes, hashes = record, hashes, nil
			record++
		}
		pages = append(pages, p)
	}
	return pages
}

func sortedPage(blocks []*chain.Block) page {
	p := page{blocks: blocks, byHash: slices.Clone(blocks), addresses: addressChanges(blocks), tip: blocks[len(blocks)-1].Header()}
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

// addressChanges adds up what the blocks, in which nobody pays himself, change about addresses.
func addressChanges(blocks []*chain.Block) (all []addressChange) {
	at := make(map[string]int)
	note := func(name string, amount chain.Number, negative bool, s store.Spot) {
		if _, ok := at[name]; !ok {
			sum := sha256.Sum256([]byte(name))
			at[name] = len(all)
			all = append(all, addressChange{address: store.Address(sum[:]), runs: make([]store.Run, 1)})
		}
		a := &all[at[name]]
		a.total.Count++
		a.total.Balance.AddText([]byte(amount), negative)
		if !a.runs[len(a.runs)-1].Add(s) {
			a.runs = append(a.runs, store.Run{})
			a.runs[len(a.runs)-1].Add(s)
		}
	}
	for _, b := range blocks {
		for i, t := range b.Transactions() {
			s := store.Spot{Index: b.Index(), Position: i}
			note(t.Recipient, t.Amount, false, s)
			if !t.IsReward() {
				note(t.Sender, t.Amount, true, s)
			}
		}
	}
	slices.SortFunc(all, func(a, b addressChange) int { return bytes.Compare(a.address[:], b.address[:]) })
	return all
}

func (p page) insert(tb testing.TB, st *store.Store) {
	batch := st.NewBatch()
	defer batch.Close()
	if p.blocks[0].Index() == 2 {
		batch.SetSender(benchOrigin.From, "peer")
	}
	for _, b := range p.blocks {
		batch.SetBlock(store.Place{Index: b.Index()}, benchOrigin, b.Canonical())
	}
	for _, b := range p.byHash {
		batch.SetPlace(b.Hash(), store.Place{Index: b.Index()})
	}
	for _, m := range p.ids {
		batch.SetMined(m.id, m.index, m.offset)
	}
	for _, a := range p.addresses {
		for i := range a.runs {
			batch.SetRun(a.address, &a.runs[i])
		}
	}
	for _, a := range p.addresses {
		batch.AddAccount(a.address, &a.total)
	}
	hash := p.tip.Hash
	batch.SetMeta("tip", append(binary.BigEndian.AppendUint64(nil, uint64(p.tip.Index)), hash[:]...))
	if p.hashes != nil {
		batch.SetFilter(p.record, p.tip.Index, p.hashes)
	}
	if err := st.Apply(batch); err != nil {
		tb.Fatal(err)
	}
}

// TestEngineGetsWhatTheChainWrites: BenchmarkInsert compares like with like. Of the records of the id filter the sizes are equal.
func TestEngineGetsWhatTheChainWrites(t *testing.T) {
	r := benchRules()
	segments := sealRun(t, r, 3*2048, func(parent chain.Header) *chain.Block {
		return chaintest.Block(t, r, parent, "miner", chaintest.Payment())
	})
	now := func() time.Time { return time.UnixMilli(benchOrigin.Received) }
	keys := func(fill func(c *chain.Chain, st *store.Store)) map[string]string {
		st, all := openStore(t), make(map[string]string)
		c, err := chain.Open(st, r, now)
		if err != nil {
			t.Fatal(err)
		}
		fill(c, st)
		err = st.Dump(func(key, value []byte) {
			if key[0] == 'k' {
				value = make([]byte, len(value))
			}
			all[string(key)] = string(value)
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	want := keys(func(c *chain.Chain, _ *store.Store) {
		for _, s := range segments {
			if _, err := c.AddSegment(s, "peer"); err != nil {
				t.Fatal(err)
			}
		}
	})
	got := keys(func(_ *chain.Chain, st *store.Store) {
		for _, p := range pagesOf(segments) {
			p.insert(t, st)
		}
	})
	for key, value := range want {
		if other, ok := got[key]; !ok || other != value {
			t.Errorf("key %.40q: the chain writes %d bytes, the benchmark %d, %v", key, len(value), len(other), ok)
		}
	}
	if len(got) != len(want) {
		t.Errorf("the benchmark writes %d keys, the chain %d", len(got), len(want))
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
