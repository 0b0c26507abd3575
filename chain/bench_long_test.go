package chain_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
)

// blocksFromEnv is the size of the long benchmarks: KUAI_BENCH_BLOCKS, 100,000 where it is not set.
func blocksFromEnv(tb testing.TB) int {
	v := os.Getenv("KUAI_BENCH_BLOCKS")
	if v == "" {
		return 100_000
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		tb.Fatalf("KUAI_BENCH_BLOCKS: %v", err)
	}
	return n
}

// linked is the directory of an open store as a crash would leave it: tables never change, and are linked.
func linked(tb testing.TB, dir string) string {
	tb.Helper()
	to := tb.TempDir()
	files, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range files {
		from, name := filepath.Join(dir, f.Name()), filepath.Join(to, f.Name())
		if filepath.Ext(name) == ".sst" {
			err = os.Link(from, name)
		} else {
			var data []byte
			if data, err = os.ReadFile(from); err == nil {
				err = os.WriteFile(name, data, 0o600)
			}
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	return to
}

// BenchmarkLong opens, streams and looks up in a chain of KUAI_BENCH_BLOCKS blocks on disk. KUAI_BENCH_DIR keeps the chain for
// the next run, which then shows the memory of a process that did not write it.
func BenchmarkLong(b *testing.B) {
	dir, n := os.Getenv("KUAI_BENCH_DIR"), blocksFromEnv(b)
	if dir == "" {
		dir = b.TempDir()
	}
	r := benchRules()
	c, shut := chaintest.OpenDisk(b, r, dir)
	if c.Tip().Index == 1 {
		chaintest.Grow(b, c, n)
	}
	shut()
	reopen := func(b *testing.B, dir string) {
		_, shut := chaintest.OpenDisk(b, r, dir)
		b.StopTimer()
		shut()
		b.StartTimer()
	}
	b.Run("open", func(b *testing.B) {
		for range b.N {
			reopen(b, dir)
		}
	})
	b.Run("open-crashed", func(b *testing.B) {
		c, shut := chaintest.OpenDisk(b, r, dir)
		defer shut()
		chaintest.Grow(b, c, 50_000) // more than a memtable holds
		// The engine tidies up in the background and does not tell when it is done. Until then files vanish while linked takes one
		// after the other, and the opening would be timed beside compactions.
		time.Sleep(5 * time.Second)
		b.ResetTimer()
		for range b.N {
			b.StopTimer()
			crashed := linked(b, dir)
			b.StartTimer()
			reopen(b, crashed)
		}
	})
	c, shut = chaintest.OpenDisk(b, r, dir)
	defer shut()
	b.Run("stream", func(b *testing.B) {
		for range b.N {
			s, bytes := c.Snapshot(), 0
			for raw, err := range s.Blocks(1, s.Tip().Index+1) {
				if err != nil {
					b.Fatal(err)
				}
				bytes += len(raw)
			}
			b.SetBytes(int64(bytes))
			_ = s.Close()
		}
		b.ReportMetric(residentMiB(b), "RSS-MiB")
	})
	b.Run("block", func(b *testing.B) {
		for range b.N {
			if _, err := c.At(1 + rand.Int64N(c.Tip().Index)); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(residentMiB(b), "RSS-MiB")
	})
	b.Run("unknown-id", func(b *testing.B) {
		for range b.N {
			if _, err := c.Transaction(chain.NewID()); !errors.Is(err, chain.ErrNotFound) {
				b.Fatal(err)
			}
		}
		b.ReportMetric(residentMiB(b), "RSS-MiB")
	})
}

// residentMiB is the process's resident memory, 0 where the system does not tell.
func residentMiB(tb testing.TB) float64 {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(data), &size, &resident); err != nil {
		tb.Fatal(err)
	}
	return float64(resident*int64(os.Getpagesize())) / (1 << 20)
}
