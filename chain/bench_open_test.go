package chain_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// BenchmarkOpen opens chains of KUAI_BENCH_BLOCKS blocks (100,000) with one payment each, without reorgs behind them and with one for every
// fourth block, each time in a process of its own, which does nothing else. The metrics are the time by the clock and of the processor, the
// resident memory of that process, and how much of it the opening added.
func BenchmarkOpen(b *testing.B) {
	n := blocksFromEnv(b)
	for name, build := range map[string]func(c *chain.Chain) (reorgs int){
		"plain": func(c *chain.Chain) int { chaintest.Grow(b, c, n); return 0 },
		"races": func(c *chain.Chain) int { return race(b, c, n) },
	} {
		dir, reorgs := b.TempDir(), -1
		b.Run(name, func(b *testing.B) {
			if reorgs < 0 { // it is run again for more openings
				c, shut := chaintest.OpenDisk(b, benchRules(), dir)
				reorgs = build(c)
				shut()
			}
			var ms, cpu, resident, added float64
			for range b.N {
				child := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestOpensAlone$")
				child.Env = append(os.Environ(), "KUAI_OPEN_DIR="+dir)
				out, err := child.Output()
				if err != nil {
					b.Fatal(err)
				}
				var once [4]float64
				if _, err := fmt.Sscan(string(out), &once[0], &once[1], &once[2], &once[3]); err != nil {
					b.Fatalf("%s: %v", out, err)
				}
				ms, cpu, resident, added = ms+once[0], cpu+once[1], max(resident, once[2]), max(added, once[3])
			}
			b.ReportMetric(ms/float64(b.N), "open-ms")
			b.ReportMetric(cpu/float64(b.N), "cpu-ms")
			b.ReportMetric(resident, "RSS-MiB")
			b.ReportMetric(added, "added-MiB")
			b.ReportMetric(float64(reorgs), "reorgs")
			b.ReportMetric(0, "ns/op") // mostly the start of a process
		})
	}
}

// TestOpensAlone is the process that BenchmarkOpen starts: it opens the chain in KUAI_OPEN_DIR and prints how long that took by the clock and
// of the processor, in milliseconds, its resident memory then, and how much more that is than before, in MiB.
func TestOpensAlone(t *testing.T) {
	dir := os.Getenv("KUAI_OPEN_DIR")
	if dir == "" {
		t.Skip("run by BenchmarkOpen")
	}
	before, cpu, start := residentMiB(t), chaintest.ProcessorTime(t), time.Now()
	_, shut := chaintest.OpenDisk(t, benchRules(), dir)
	took, used, after := time.Since(start), chaintest.ProcessorTime(t)-cpu, residentMiB(t)
	fmt.Fprintln(os.Stdout, float64(took.Microseconds())/1000, float64(used.Microseconds())/1000, after, after-before)
	shut()
}

// BenchmarkLongBranch adds a branch of nearly as many blocks beside an active chain of KUAI_BENCH_BLOCKS/2 and of KUAI_BENCH_BLOCKS blocks
// (100,000), one payment each, on disk. The metrics are the live memory that it adds, in all and for each block, and the most that the
// process took beside what it had before.
func BenchmarkLongBranch(b *testing.B) {
	for _, n := range []int{blocksFromEnv(b) / 2, blocksFromEnv(b)} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for range b.N {
				longBranch(b, n)
			}
		})
	}
}

func longBranch(b *testing.B, n int) {
	b.StopTimer()
	c, shut := chaintest.OpenDisk(b, benchRules(), b.TempDir())
	defer shut()
	chaintest.Grow(b, c, n)
	before, resident, peak := liveMiB(), residentMiB(b), watchPeak(b)
	b.StartTimer()
	parent := c.Rules().Genesis.Header()
	for left := n - 1; left > 0; {
		run := make([]*consensus.Block, min(left, 2048))
		for i := range run {
			run[i] = chaintest.Block(b, c.Rules(), parent, "side", chaintest.Payment().Transaction())
			parent = run[i].Header()
		}
		left -= len(run)
		addRuns(b, c, run)
	}
	b.StopTimer()
	if forks := c.Forks(); len(forks) != 1 || forks[0].Tip != parent {
		b.Fatalf("forks are %v", forks)
	}
	live := liveMiB() - before
	b.ReportMetric(live, "live-MiB")
	b.ReportMetric(live*(1<<20)/float64(n), "live-B/block")
	b.ReportMetric(peak()-resident, "peak-MiB")
}

// liveMiB is what the heap holds after a collection.
func liveMiB() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}
