package e2e

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kuai/rpc/api"
)

// BenchmarkFigures measures what a user sees of real processes: the figures in the README.
//
//	go test ./test/e2e -run '^$' -bench Figures -benchtime 200x
func BenchmarkFigures(b *testing.B) {
	b.Run("mine-to-tip-of-5", benchmarkSpread)
	b.Run("restart", benchmarkRestart)
	b.Run("memory", benchmarkMemory)
}

// benchmarkSpread takes the time from GET /mine on one of five nodes until all have its block as their tip.
func benchmarkSpread(b *testing.B) {
	nodes := []*daemon{startDaemon(b)}
	for range 4 {
		nodes = append(nodes, startDaemon(b, "--peer", nodes[0].url()))
	}
	nodes[0].mine()
	agreed(b, nodes...)
	var total, spread []time.Duration
	for i := 0; b.Loop(); i++ {
		began := time.Now()
		forged := nodes[i%len(nodes)].mine()
		answered := time.Now()
		var looking sync.WaitGroup
		for _, d := range nodes {
			looking.Go(func() {
				for d.node().Height < forged.Index {
				}
			})
		}
		looking.Wait()
		total, spread = append(total, time.Since(began)), append(spread, time.Since(answered))
	}
	agreed(b, nodes...)
	report(b, "total", total)
	report(b, "after-answer", spread)
}

// report gives the median, the 99th percentile and the longest in milliseconds.
func report(b *testing.B, name string, times []time.Duration) {
	slices.Sort(times)
	n := len(times)
	for of, at := range map[string]int{"p50": n / 2, "p99": n * 99 / 100, "max": n - 1} {
		b.ReportMetric(float64(times[at].Microseconds())/1000, name+"-"+of+"-ms")
	}
}

// benchmarkRestart takes the time from the start of the process until it is ready, with 200 blocks on disk, after kill -9.
func benchmarkRestart(b *testing.B) {
	d := startDaemon(b)
	var answer api.Message
	if err := d.ask("POST", "/mine", []byte(`{"blocks": 200}`), 200, &answer); err != nil {
		b.Fatal(err)
	}
	var times []time.Duration
	for b.Loop() {
		d.Kill()
		began := time.Now()
		d.Restart()
		times = append(times, time.Since(began))
	}
	report(b, "ready", times)
}

// benchmarkMemory reads the resident memory of two connected nodes at rest.
func benchmarkMemory(b *testing.B) {
	first := startDaemon(b)
	second := startDaemon(b, "--peer", first.url())
	first.mine()
	agreed(b, first, second)
	var most int
	for b.Loop() {
		time.Sleep(20 * time.Millisecond) // rest is what is measured
		most = max(most, memory(b, first, "VmRSS:"), memory(b, second, "VmRSS:"))
	}
	b.ReportMetric(float64(most)/1024, "MiB")
}

// memory returns a line of the process's status in KiB.
func memory(b *testing.B, d *daemon, line string) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.Cmd.Process.Pid))
	if err != nil {
		b.Skip("resident memory is read from /proc, which this system does not have")
	}
	_, rest, _ := bytes.Cut(status, []byte(line))
	kib, err := strconv.Atoi(strings.Fields(string(rest))[0])
	if err != nil {
		b.Fatal(err)
	}
	return kib
}
