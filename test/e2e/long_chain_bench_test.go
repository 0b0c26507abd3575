package e2e

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// BenchmarkLongChain reads GET /chain from a daemon with 1,000,000 blocks of one payment each, or as many as KUAI_BENCH_BLOCKS says:
// how fast, and how much resident memory the daemon takes at rest and adds while it answers.
//
//	go test ./test/e2e -run '^$' -bench LongChain -benchtime 5x
func BenchmarkLongChain(b *testing.B) {
	blocks, err := strconv.Atoi(cmp.Or(os.Getenv("KUAI_BENCH_BLOCKS"), "1000000"))
	if err != nil {
		b.Fatal(err)
	}
	d := newDaemonOn(b, oneZero(b))
	grow(b, d, blocks)
	d.Start()
	rest := atRest(b, d)
	forgetPeak(b, d)
	var answers []answer
	for b.Loop() {
		answers = append(answers, readChain(b, d))
	}
	peak := memory(b, d, "VmHWM:")
	rates, firsts := make([]float64, len(answers)), make([]float64, len(answers))
	for i, a := range answers {
		rates[i], firsts[i] = float64(a.bytes)/a.whole.Seconds()/1e6, a.first.Seconds()*1000
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(middle(rates), "MB/s")
	b.ReportMetric(middle(firsts), "ms-to-first-byte")
	b.ReportMetric(float64(rest)/1024, "rest-MiB")
	b.ReportMetric(float64(peak-rest)/1024, "more-MiB")
}

// oneZero is a network on which a proof takes microseconds.
func oneZero(tb testing.TB) network {
	file := filepath.Join(tb.TempDir(), "network.json")
	text := `{"name": "long", "zeros": 1, "genesis": {"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 1626739200.5, "transactions": []}}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return network{args: []string{"--network", file}}
}

// grow fills the directory of a daemon that does not run.
func grow(b *testing.B, d *daemon, blocks int) {
	b.Helper()
	text, err := os.ReadFile(d.network.args[1])
	if err != nil {
		b.Fatal(err)
	}
	rules, err := consensus.ReadRules(text)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		b.Fatal(err)
	}
	c, shut := chaintest.OpenDisk(b, rules, filepath.Join(d.dir, "store"))
	defer shut()
	chaintest.Grow(b, c, blocks)
}

// atRest waits until the daemon's resident memory has stayed the same for a second, and returns it in KiB.
func atRest(b *testing.B, d *daemon) (kib int) {
	b.Helper()
	for same := 0; same < 10; same++ {
		time.Sleep(100 * time.Millisecond) // rest is what is measured
		if now := memory(b, d, "VmRSS:"); now != kib {
			kib, same = now, 0
		}
	}
	return kib
}

// forgetPeak makes VmHWM the most from now on.
func forgetPeak(b *testing.B, d *daemon) {
	b.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", d.Cmd.Process.Pid), []byte("5"), 0); err != nil {
		b.Skip("the most memory is read from /proc, which this system does not have: ", err)
	}
}

// answer is what a reader of GET /chain saw.
type answer struct {
	bytes        int
	first, whole time.Duration
}

// readChain reads GET /chain with a client as thin as one can be.
func readChain(b *testing.B, d *daemon) (a answer) {
	b.Helper()
	host := fmt.Sprintf("127.0.0.1:%d", d.port)
	conn, err := net.Dial("tcp", host)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	buf := make([]byte, 256<<10)
	began := time.Now()
	_, err = fmt.Fprintf(conn, "GET /chain HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host)
	for err == nil {
		var n int
		if n, err = conn.Read(buf); a.bytes == 0 {
			a.first = time.Since(began)
		}
		a.bytes += n
	}
	if a.whole = time.Since(began); !errors.Is(err, io.EOF) {
		b.Fatal(err)
	}
	return a
}

func middle(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
