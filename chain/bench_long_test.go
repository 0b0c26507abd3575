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
	"kuai/chain/store"
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

// openLong opens the chain in dir.
func openLong(tb testing.TB, dir string) (*chain.Chain, *store.Store) {
	tb.Helper()
	st, err := store.Open(dir)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := chain.Open(st, benchRules(), time.Now)
	if err != nil {
		tb.Fatal(err)
	}
	return c, st
}

// longChain writes a chain of n blocks with one payment each.
func longChain(tb testing.TB, dir string, n int) {
	tb.Helper()
	c, st := openLong(tb, dir)
	addLong(tb, c, n)
	if err := c.Close(); err != nil {
		tb.Fatal(err)
	}
	if err := st.Close(); err != nil {
		tb.Fatal(err)
	}
}

// addLong adds n blocks with one payment each.
func addLong(tb testing.TB, c *chain.Chain, n int) {
	tb.Helper()
	parent := c.Tip()
	for n > 0 {
		raws := make([][]byte, min(n, 2048))
		for i := range raws {
			b := chaintest.Block(tb, c.Rules(), parent, "12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo", chaintest.Payment())
			raws[i], parent = b.Canonical(), b.Header()
		}
		s, _, err := c.Rules().ParseSegment(raws)
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := c.AddSegment(s, "peer"); err != nil {
			tb.Fatal(err)
		}
		n -= len(raws)
	}
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
	if c, st := openLong(b, dir); c.Tip().Index == 1 {
		_ = st.Close()
		longChain(b, dir, n)
	} else {
		_ = st.Close()
	}
	b.Run("open", func(b *testing.B) {
		for range b.N {
			_, st := openLong(b, dir)
			b.StopTimer()
			_ = st.Close()
			b.StartTimer()
		}
	})
	b.Run("open-crashed", func(b *testing.B) {
		c, st := openLong(b, dir)
		defer st.Close()
		addLong(b, c, 50_000) // more than a memtable holds
		if err := c.Sync(); err != nil {
			b.Fatal(err)
		}
		time.Sleep(5 * time.Second) // until the engine has tidied up: the files are linked one after the other
		b.ResetTimer()
		for range b.N {
			b.StopTimer()
			crashed := linked(b, dir)
			b.StartTimer()
			_, st := openLong(b, crashed)
			b.StopTimer()
			_ = st.Close()
			b.StartTimer()
		}
	})
	c, st := openLong(b, dir)
	defer st.Close()
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
