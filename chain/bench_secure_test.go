package chain_test

import (
	"crypto/rand"
	"fmt"
	"runtime/debug"
	"testing"
	"time"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// BenchmarkSecureInsert is what a sync does with blocks of one payment each, on disk, in runs of 2,048: parse and check them, with their
// signatures, and add them. signatures-% is the part of the time that the signatures take.
func BenchmarkSecureInsert(b *testing.B) {
	r := richRules(b)
	var pages [][][]byte
	for parent, left := r.Genesis.Header(), b.N; left > 0; left -= 2048 {
		page := make([][]byte, min(left, 2048))
		for i := range page {
			block := chaintest.Block(b, r, parent, "miner", chaintest.Signed(r, "alice", "bob", 1))
			page[i], parent = block.Canonical(), block.Header()
		}
		pages = append(pages, page)
	}
	c, shut := chaintest.OpenDisk(b, r, b.TempDir())
	defer shut()
	var signatures time.Duration
	b.ResetTimer()
	for _, page := range pages {
		run, _, err := r.ParseBlocks(page)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.AddBlocks(run, "peer"); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		start := time.Now()
		for _, block := range run.All() {
			if err := r.Signatures().CheckBlock(block); err != nil {
				b.Fatal(err)
			}
		}
		signatures += time.Since(start)
		b.StartTimer()
	}
	if err := c.Sync(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "blocks/s")
	b.ReportMetric(100*signatures.Seconds()/b.Elapsed().Seconds(), "signatures-%")
}

// richRules is SecureRules with an account that pays for all that a benchmark needs.
func richRules(b *testing.B) *consensus.Rules {
	b.Helper()
	r, err := consensus.ReadRules(fmt.Appendf(nil, `{"name": "rich", "profile": "secure", "genesis": {"index": 1, "previous_hash": "1", "proof": 100, `+
		`"timestamp": 1626739200.0, "transactions": [{"amount": 9007199254740991, "recipient": "%s", "sender": "0"}]}}`, chaintest.Account("alice")))
	if err != nil {
		b.Fatal(err)
	}
	easy := chaintest.SecureRules()
	r.First, r.Easiest = easy.First, easy.Easiest
	return r
}

// BenchmarkUncovered refuses a branch with more work, of KUAI_BENCH_DEEP blocks (100) that are full of payments to an account each, and
// whose last pays what it cannot, on disk. The metric is the resident memory that the switch takes at most, before it is given up.
func BenchmarkUncovered(b *testing.B) {
	deep, r := deepFromEnv(b, 100), richRules(b)
	most, seconds := 0.0, 0.0
	for range b.N {
		b.StopTimer()
		c, shut := chaintest.OpenDisk(b, r, b.TempDir())
		trunk := chaintest.NewOn(b, r).Mine(deep + 1)
		addAll(b, c, trunk.Blocks())
		parent := r.Genesis.Header()
		for range deep {
			payments := make([]consensus.Transaction, 600)
			for i := range payments {
				var to consensus.Address
				_, _ = rand.Read(to[:])
				p := chaintest.Unsigned("alice", "alice", 1)
				p.Recipient = to.String()
				payments[i] = chaintest.Sign(r, "alice", p)
			}
			block := chaintest.Block(b, r, parent, "gina", payments...)
			addAll(b, c, []*consensus.Block{block})
			parent = block.Header()
		}
		bad := chaintest.Block(b, r, parent, "gina", chaintest.Signed(r, "bob", "alice", 1))
		addAll(b, c, []*consensus.Block{bad})
		last := chaintest.Block(b, r, bad.Header(), "gina")
		debug.FreeOSMemory()
		before, peak := residentMiB(b), watchPeak(b)
		b.StartTimer()
		start := time.Now()
		if _, err := c.Add(last, "peer"); refusal(err) != consensus.RuleParentInvalid {
			b.Fatal(err)
		}
		seconds += time.Since(start).Seconds()
		b.StopTimer()
		most = max(most, peak()-before)
		if c.Tip() != trunk.Tip() {
			b.Fatal("a switch")
		}
		shut()
	}
	b.ReportMetric(most, "MiB")
	b.ReportMetric(seconds/float64(b.N), "s/op")
}
