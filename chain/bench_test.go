package chain_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/chain/store"
)

// benchRules is a network whose blocks seal at once.
func benchRules() *consensus.Rules {
	r := chaintest.Rules()
	r.Zeros = 0
	return r
}

// sealRun makes runs of up to 2,048 blocks, n in all.
func sealRun(tb testing.TB, r *consensus.Rules, n int, seal func(parent consensus.Header) *consensus.Block) (runs []*consensus.Blocks) {
	tb.Helper()
	const most = 2048
	for parent := r.Genesis.Header(); n > 0; n -= most {
		blocks := make([]*consensus.Block, min(n, most))
		for i := range blocks {
			blocks[i] = seal(parent)
			parent = blocks[i].Header()
		}
		runs = append(runs, runOf(tb, r, blocks))
	}
	return runs
}

// BenchmarkInsert/chain adds checked blocks in runs of 2,048 to a chain on disk, one payment each, and syncs at the end.
// BenchmarkInsert/engine puts the same keys and bytes into the same engine, without a chain; the metrics in % are the speed of the chain
// against that, by the clock and by the processor's time.
func BenchmarkInsert(b *testing.B) {
	r := benchRules()
	seal := func(parent consensus.Header) *consensus.Block {
		return chaintest.Block(b, r, parent, "12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo", chaintest.Payment().Transaction())
	}
	var engine speed
	b.Run("engine", func(b *testing.B) {
		changes := changesOf(b, r, sealRun(b, r, b.N, seal))
		st, err := store.Open(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		defer st.Close()
		engine = measure(b, func() error {
			for _, ch := range changes {
				batch := st.NewBatch()
				for i, key := range ch.keys {
					batch.Set(key, ch.values[i])
				}
				if err := st.Apply(batch); err != nil {
					return err
				}
				batch.Close()
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

// insert adds the runs to a new chain on disk, and syncs.
func insert(b *testing.B, r *consensus.Rules, runs []*consensus.Blocks) speed {
	c, shut := chaintest.OpenDisk(b, r, b.TempDir())
	defer shut()
	return measure(b, func() error {
		for _, s := range runs {
			if _, err := c.AddBlocks(s, "peer"); err != nil {
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
	cpu := chaintest.ProcessorTime(b)
	b.ResetTimer()
	if err := insert(); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	s.clock, s.cpu = float64(b.Elapsed())/float64(b.N), float64(chaintest.ProcessorTime(b)-cpu)/float64(b.N)
	b.ReportMetric(1e9/s.clock, "blocks/s")
	b.ReportMetric(s.cpu, "cpu-ns/op")
	return s
}

// change is the keys and values that a chain writes for a run.
type change struct{ keys, values [][]byte }

// changesOf adds the runs to a chain in memory, and returns what it writes for each, ascending. What it writes of the chain as a whole, some
// 100 bytes for each run, is left out.
func changesOf(tb testing.TB, r *consensus.Rules, runs []*consensus.Blocks) []change {
	tb.Helper()
	st := openStore(tb)
	c, err := chain.Open(st, r, time.Now)
	if err != nil {
		tb.Fatal(err)
	}
	var firsts []int64 // of each run
	for _, s := range runs {
		firsts = append(firsts, s.All()[0].Index())
		if _, err := c.AddBlocks(s, "peer"); err != nil {
			tb.Fatal(err)
		}
	}
	all := make([]change, len(runs))
	err = st.Dump(func(key, value []byte) {
		if index := indexOf(key, value); index >= firsts[0] {
			i, found := slices.BinarySearch(firsts, index)
			if !found {
				i--
			}
			ch := &all[i]
			ch.keys, ch.values = append(ch.keys, bytes.Clone(key)), append(ch.values, bytes.Clone(value))
		}
	})
	if err != nil {
		tb.Fatal(err)
	}
	for _, ch := range all {
		gather(ch.keys)
		gather(ch.values)
	}
	return all
}

// gather puts the values side by side in memory, so that the engine need not wait for each.
func gather(values [][]byte) {
	memory := bytes.Join(values, nil)
	for i, v := range values {
		values[i], memory = memory[:len(v):len(v)], memory[len(v):]
	}
}

// indexOf returns the index of the block that a key of the store is about, 0 if it is about none.
func indexOf(key, value []byte) int64 {
	switch key[0] {
	case 'b', 'i': // the position is the end of the key
		return int64(binary.BigEndian.Uint64(key[len(key)-8:]))
	case 'h': // the position is the value
		_, branch := binary.Uvarint(value)
		index, _ := binary.Uvarint(value[branch:])
		return int64(index)
	}
	return 0
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
