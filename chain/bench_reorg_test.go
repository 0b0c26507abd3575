package chain_test

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// BenchmarkReorg switches between two branches of 5,000 and of 100,000 blocks with one payment each, there and back, on disk. The metrics are
// the processor's time, the resident memory that a reorg adds at most, and the longest time that a reader waits meanwhile.
func BenchmarkReorg(b *testing.B) {
	for _, deep := range []int{5_000, 100_000} {
		b.Run(fmt.Sprint(deep), func(b *testing.B) { benchReorg(b, deep) })
	}
}

func benchReorg(b *testing.B, deep int) {
	r := benchRules()
	tips := [2]consensus.Header{r.Genesis.Header(), r.Genesis.Header()}
	c, shut := chaintest.OpenDisk(b, r, b.TempDir())
	defer shut()
	grow := func(i, n int) {
		blocks := make([]*consensus.Block, n)
		for j := range blocks {
			blocks[j] = chaintest.Block(b, r, tips[i], fmt.Sprint("branch-", i), chaintest.Payment().Transaction())
			tips[i] = blocks[j].Header()
		}
		addRuns(b, c, blocks)
	}
	grow(0, deep)
	grow(1, deep-1)
	ahead, memory, wait, cpu := 1, 0.0, time.Duration(0), time.Duration(0)
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		grow(ahead, int(tips[1-ahead].Index-tips[ahead].Index))
		debug.FreeOSMemory() // what is free already must not hide what a reorg takes
		before, peak, waited := residentMiB(b), watchPeak(b), watchReader(c)
		cpu -= chaintest.ProcessorTime(b)
		b.StartTimer()
		grow(ahead, 1)
		b.StopTimer()
		cpu += chaintest.ProcessorTime(b)
		memory, wait = max(memory, peak()-before), max(wait, waited())
		if c.Tip() != tips[ahead] {
			b.Fatal("no reorg")
		}
		ahead = 1 - ahead
		b.StartTimer()
	}
	b.ReportMetric(float64(cpu.Milliseconds())/float64(b.N), "cpu-ms")
	b.ReportMetric(memory, "MiB")
	b.ReportMetric(float64(wait.Microseconds())/1000, "wait-ms")
}

// watchReader reads the chain every millisecond until it is asked for the longest time that a read took. Reading without a pause would
// take one of two processors from the reorg, and add the garbage of a million snapshots to its memory.
func watchReader(c *chain.Chain) (longest func() time.Duration) {
	stop, result := make(chan struct{}), make(chan time.Duration)
	go func() {
		most := time.Duration(0)
		pause := time.NewTicker(time.Millisecond)
		defer pause.Stop()
		for {
			select {
			case <-stop:
				result <- most
				return
			case <-pause.C:
			}
			start := time.Now()
			c.Tip()
			c.PoolSize()
			_ = c.Snapshot().Close()
			most = max(most, time.Since(start))
		}
	}()
	return func() time.Duration {
		close(stop)
		return <-result
	}
}

// BenchmarkReorgFull switches once between two branches of full blocks, KUAI_BENCH_DEEP each (200), on disk; the metric is the
// resident memory that it adds at most.
func BenchmarkReorgFull(b *testing.B) {
	deep, r := deepFromEnv(b, 200), benchRules()
	most := 0.0
	for range b.N {
		b.StopTimer()
		c, shut := chaintest.OpenDisk(b, r, b.TempDir())
		var parent consensus.Header
		grow := func(name string, n int) {
			for range n {
				block := fullBlock(b, r, parent, name)
				addAll(b, c, []*consensus.Block{block})
				parent = block.Header()
			}
		}
		parent = r.Genesis.Header()
		grow("old", deep)
		parent = r.Genesis.Header()
		grow("other", deep)
		last := chaintest.Block(b, r, parent, "other")
		debug.FreeOSMemory()
		before, peak := residentMiB(b), watchPeak(b)
		b.StartTimer()
		addAll(b, c, []*consensus.Block{last})
		b.StopTimer()
		most = max(most, peak()-before)
		if c.Tip() != last.Header() {
			b.Fatal("no switch")
		}
		shut()
	}
	b.ReportMetric(most, "MiB")
}

// fullBlock is a block with about as many payments as a block can have.
func fullBlock(tb testing.TB, r *consensus.Rules, parent consensus.Header, miner string) *consensus.Block {
	payments := make([]consensus.Transaction, 1950)
	for i := range payments {
		payments[i] = chaintest.Payment().Transaction()
	}
	return chaintest.Block(tb, r, parent, miner, payments...)
}

// wideBlock is a block of about as many bytes as a block can have, in large payments.
func wideBlock(tb testing.TB, r *consensus.Rules, parent consensus.Header, miner string) *consensus.Block {
	payments, name := make([]consensus.Transaction, 155), strings.Repeat("é", 128) // each é is six bytes
	for i := range payments {
		payments[i] = consensus.Transaction{Sender: name, Recipient: name, Amount: "1", ID: chain.NewID(), HasID: true}
	}
	return chaintest.Block(tb, r, parent, miner, payments...)
}

// deepFromEnv is KUAI_BENCH_DEEP, or otherwise.
func deepFromEnv(b *testing.B, otherwise int) int {
	v := os.Getenv("KUAI_BENCH_DEEP")
	if v == "" {
		return otherwise
	}
	deep, err := strconv.Atoi(v)
	if err != nil {
		b.Fatal(err)
	}
	return deep
}

// BenchmarkTrim drops a side branch of full blocks, KUAI_BENCH_DEEP of them (1,500: more bytes than the bounds allow), on disk: full of
// payments, and full of bytes in fewer payments. The metric is the resident memory that it adds at most, with the collector set as in a daemon.
func BenchmarkTrim(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	for name, seal := range map[string]sealer{"payments": fullBlock, "bytes": wideBlock} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				benchTrim(b, seal)
			}
		})
	}
}

type sealer func(tb testing.TB, r *consensus.Rules, parent consensus.Header, miner string) *consensus.Block

func benchTrim(b *testing.B, seal sealer) {
	b.StopTimer()
	deep, r := deepFromEnv(b, 1500), benchRules()
	c, shut := chaintest.OpenDisk(b, r, b.TempDir())
	defer shut()
	chaintest.Grow(b, c, deep+1)
	parent := r.Genesis.Header()
	for range deep {
		block := seal(b, r, parent, "old")
		addAll(b, c, []*consensus.Block{block})
		parent = block.Header()
	}
	addAll(b, c, []*consensus.Block{chaintest.Block(b, r, r.Genesis.Header(), "last")}) // the branch that grows is spared
	debug.FreeOSMemory()
	before, peak := residentMiB(b), watchPeak(b)
	b.StartTimer()
	if err := c.Trim(); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(peak()-before, "MiB")
	if forks := c.Forks(); len(forks) != 1 {
		b.Fatalf("%d forks are left", len(forks))
	}
	b.StartTimer()
}

// watchPeak starts the system's record of the process's largest resident memory anew, and returns what reads it.
func watchPeak(tb testing.TB) func() float64 {
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		tb.Skip(err) // not Linux
	}
	return func() float64 {
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			tb.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(status), "VmHWM:")
		var kib float64
		if _, err := fmt.Sscan(rest, &kib); err != nil {
			tb.Fatal(err)
		}
		return kib / 1024
	}
}
