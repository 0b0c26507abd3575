package chainsync

import (
	"cmp"
	"log/slog"
	"os"
	"strconv"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// BenchmarkColdSync is a fresh node that syncs one-payment blocks from another, both in this process, over
// loopback TCP with Noise, each with its own Pebble on disk, the last sync to disk included. KUAI_BENCH_BLOCKS
// says how many blocks, else 50,000. Mining is not counted; a proof takes one hex zero, and is checked like any
// other.
func BenchmarkColdSync(b *testing.B) {
	n, err := strconv.Atoi(cmp.Or(os.Getenv("KUAI_BENCH_BLOCKS"), "50000"))
	if err != nil {
		b.Fatal(err)
	}
	rules := chaintest.Rules()
	full := durableChain(b, rules, n)
	server := quietTestPeer(b, full).start(b)
	var took, busy time.Duration
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		fresh := quietTestPeer(b, onDisk(b, rules, b.TempDir())).start(b)
		b.StartTimer()
		began, before := time.Now(), chaintest.ProcessorTime(b)
		fresh.connect(b, server)
		fresh.reaches(b, full.Tip().Hash)
		if err := fresh.chain.Sync(); err != nil {
			b.Fatal(err)
		}
		took, busy = took+time.Since(began), busy+chaintest.ProcessorTime(b)-before
	}
	all := float64(n) * float64(b.N)
	b.ReportMetric(all/took.Seconds(), "blocks/s")
	b.ReportMetric(busy.Seconds()*1e6/all, "cpu-µs/block")
}

// quietTestPeer is a test peer that logs nothing.
func quietTestPeer(b *testing.B, c *chain.Chain) *testPeer {
	return newTestPeerIn(b, c.Rules().Network(), c, slog.New(slog.DiscardHandler))
}

// durableChain returns a chain on disk with n one-payment blocks. It is opened anew, so that nothing is left
// for it to tidy up.
func durableChain(b *testing.B, r *consensus.Rules, n int) *chain.Chain {
	b.Helper()
	dir := b.TempDir()
	c, shut := chaintest.OpenDisk(b, r, dir)
	fill(b, c, n)
	shut()
	return onDisk(b, r, dir)
}

// onDisk returns the chain in dir until the benchmark's end.
func onDisk(b *testing.B, r *consensus.Rules, dir string) *chain.Chain {
	b.Helper()
	c, shut := chaintest.OpenDisk(b, r, dir)
	b.Cleanup(shut)
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
			block := chaintest.Block(b, c.Rules(), parent, "d4ee26eee15148ee92c6cd394edd974e", chaintest.Payment().Transaction())
			raws, parent = append(raws, block.Canonical()), block.Header()
		}
		run, _, err := c.Rules().ParseBlocks(raws)
		if err == nil {
			_, err = c.AddBlocks(run, "")
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
