package p2p

import (
	"cmp"
	"log/slog"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/store"
)

// BenchmarkColdSync is a fresh node that syncs one-payment blocks from another, both in this process, over loopback TCP with
// Noise, each with its own Pebble on disk, the last sync to disk included. KUAI_BENCH_BLOCKS says how many blocks, else 50,000.
// Mining is not counted; a proof takes one hex zero, and is checked like any other.
func BenchmarkColdSync(b *testing.B) {
	n, err := strconv.Atoi(cmp.Or(os.Getenv("KUAI_BENCH_BLOCKS"), "50000"))
	if err != nil {
		b.Fatal(err)
	}
	rules := chaintest.Rules()
	full := onDisk(b, rules)
	fill(b, full, n)
	server := quietStation(b, full).start(b)
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		fresh := quietStation(b, onDisk(b, rules)).start(b)
		b.StartTimer()
		began, busy := time.Now(), processor()
		fresh.connect(b, server)
		fresh.reaches(b, full.Tip().Hash)
		if err := fresh.chain.Sync(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(n)/time.Since(began).Seconds(), "blocks/s")
		b.ReportMetric(float64((processor()-busy).Nanoseconds())/1e3/float64(n), "cpu-µs/block")
	}
}

// processor returns the processor time that this process has used: steadier than a clock where others work, too.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// quietStation is a station that logs nothing.
func quietStation(b *testing.B, c *chain.Chain) *station {
	st := newStation(b, c)
	st.log = slog.New(slog.DiscardHandler)
	st.faults.log = st.log
	return st
}

// onDisk returns an empty chain on disk.
func onDisk(b *testing.B, r *chain.Rules) *chain.Chain {
	b.Helper()
	st, err := store.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	c, err := chain.Open(st, r, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := c.Close(); err != nil {
			b.Error(err)
		}
		if err := st.Close(); err != nil {
			b.Error(err)
		}
	})
	return c
}

// fill mines n one-payment blocks into c.
func fill(b *testing.B, c *chain.Chain, n int) {
	b.Helper()
	const at = 1000
	parent := c.Tip()
	for n > 0 {
		raws := make([][]byte, 0, at)
		for range min(n, at) {
			block := chaintest.Block(b, c.Rules(), parent, "d4ee26eee15148ee92c6cd394edd974e", chaintest.Payment())
			raws, parent = append(raws, block.Canonical()), block.Header()
		}
		segment, _, err := c.Rules().ParseSegment(raws)
		if err == nil {
			_, err = c.AddSegment(segment, "")
		}
		if err != nil {
			b.Fatal(err)
		}
		n -= len(raws)
	}
	if err := c.Sync(); err != nil {
		b.Fatal(err)
	}
}
