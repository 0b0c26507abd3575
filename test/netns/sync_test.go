//go:build linux

package netns

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/test/process"
)

// oneWay is half of the round trip between far nodes.
const oneWay = 25 * time.Millisecond

// grow fills the node's directory with blocks of one payment. The node does not run.
func (n *node) grow(blocks int) {
	n.t.Helper()
	rules, err := consensus.ReadRules([]byte(networkFile))
	if err != nil {
		n.t.Fatal(err)
	}
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		n.t.Fatal(err)
	}
	c, shut := chaintest.OpenDisk(n.t, rules, filepath.Join(n.dir, "store"))
	defer shut()
	chaintest.Grow(n.t, c, blocks)
}

// far makes two nodes a way apart. The first has blocks, and runs.
func far(t testing.TB, way time.Duration, blocks int) (full, fresh *node) {
	t.Helper()
	full, fresh = newNode(t, newSpace(t, "full"), "198.18.1.1"), newNode(t, newSpace(t, "fresh"), "198.18.1.2")
	stretch(t, way, full.at, "198.18.1.1/24", fresh.at, "198.18.1.2/24")
	full.grow(blocks)
	full.begin()
	return full, fresh
}

// reaches waits until the node has a height.
func (n *node) reaches(height int, within time.Duration) {
	n.t.Helper()
	process.Eventually(n.t, n.at.name+" has the chain", within, func() error {
		if h := n.info().Height; h < int64(height) {
			return fmt.Errorf("%d blocks of %d", h, height)
		}
		return nil
	})
}

// TestSyncFar syncs from a node that is 50 ms there and back away.
func TestSyncFar(t *testing.T) {
	const blocks = 20_000
	full, fresh := far(t, oneWay, blocks)
	fresh.begin("--peer", full.multiaddr())
	fresh.reaches(blocks+1, settle)
	agreed(t, blocks+1, full, fresh)
	t.Logf("%s", fresh.said("sync finished"))
}

// TestSyncCut takes the network away for some seconds, in the middle of a sync. The sync goes on afterwards.
func TestSyncCut(t *testing.T) {
	const blocks, away = 20_000, 5 * time.Second
	l := newLAN(t, "lan")
	full, fresh := newSpace(t, "full"), newSpace(t, "fresh")
	l.join(full, "eth0", "198.18.0.1/24")
	l.join(fresh, "eth0", "198.18.0.2/24")
	full.run("tc qdisc add dev eth0 root tbf rate 4mbit burst 128kb latency 100ms") // or it would be over too soon
	from := newNode(t, full, "198.18.0.1")
	from.grow(blocks)
	from.begin()
	to := newNode(t, fresh, "198.18.0.2").begin("--peer", from.multiaddr())
	to.reaches(2, settle)
	fresh.run("ip link set eth0 down")
	at := to.info().Height
	if at > blocks {
		t.Fatalf("the sync was over before the network was gone")
	}
	time.Sleep(away) // what is tested is its absence
	full.run("tc qdisc del dev eth0 root")
	fresh.run("ip link set eth0 up")
	began := time.Now()
	to.reaches(blocks+1, 2*settle)
	t.Logf("cut at block %d; complete %v after the network was back", at, time.Since(began).Round(time.Millisecond))
	agreed(t, blocks+1, from, to)
}

// said returns the last line of the log with a message.
func (n *node) said(message string) (last string) {
	for line := range strings.Lines(n.Out.String()) {
		if strings.Contains(line, message) {
			last = line
		}
	}
	return last
}

// BenchmarkSync is a cold sync of one-payment blocks between two daemons, each on disk: on a wire without delay and on one of 50 ms
// there and back. KUAI_BENCH_BLOCKS says how many blocks, else 50,000. The time is what the daemon says that its sync took,
// the memory the most that each was resident with.
func BenchmarkSync(b *testing.B) {
	blocks, err := strconv.Atoi(cmp.Or(os.Getenv("KUAI_BENCH_BLOCKS"), "50000"))
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		pair func() (full, fresh *node)
	}{
		{"bridge", func() (full, fresh *node) { return near(b, blocks) }},
		{"rtt=0ms", func() (full, fresh *node) { return far(b, 0, blocks) }},
		{"rtt=50ms", func() (full, fresh *node) { return far(b, oneWay, blocks) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			full, fresh := c.pair()
			var took time.Duration
			peak := 0
			for b.Loop() {
				fresh.dir = filepath.Join(b.TempDir(), "data")
				fresh.begin("--peer", full.multiaddr())
				fresh.reaches(blocks+1, 2*settle)
				took += fresh.synced()
				peak = max(peak, fresh.memory("VmHWM"))
				fresh.Stop()
			}
			b.ReportMetric(float64(blocks)*float64(b.N)/took.Seconds(), "blocks/s")
			b.ReportMetric(float64(peak), "peak-MiB")
			b.ReportMetric(float64(full.memory("VmHWM")), "server-MiB")
		})
	}
}

// near is far on a bridge.
func near(t testing.TB, blocks int) (full, fresh *node) {
	t.Helper()
	l := newLAN(t, "lan")
	full, fresh = newNode(t, newSpace(t, "full"), "198.18.0.1"), newNode(t, newSpace(t, "fresh"), "198.18.0.2")
	l.join(full.at, "eth0", "198.18.0.1/24")
	l.join(fresh.at, "eth0", "198.18.0.2/24")
	full.grow(blocks)
	full.begin()
	return full, fresh
}

// synced returns how long the node's last sync took, by its log.
func (n *node) synced() time.Duration {
	n.t.Helper()
	var line string
	process.Eventually(n.t, "the sync is over", settle, func() error {
		if line = n.said("sync finished"); line == "" {
			return errors.New("the log does not say so")
		}
		return nil
	})
	_, rest, _ := strings.Cut(line, "took=")
	text, _, _ := strings.Cut(rest, " ")
	took, err := time.ParseDuration(text)
	if err != nil {
		n.t.Fatalf("%v in %s", err, line)
	}
	return took
}
