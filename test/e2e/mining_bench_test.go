package e2e

import (
	"io"
	"testing"
	"time"

	"kuai/test/flask"
)

// BenchmarkMineOverHTTP asks for block after block by GET /mine at the tutorial's four zeros: from a node that keeps them on disk, from
// one in memory, and from the tutorial's own program.
//
//	go test ./test/e2e -run '^$' -bench MineOverHTTP -benchtime 5s
func BenchmarkMineOverHTTP(b *testing.B) {
	b.Run("disk", func(b *testing.B) { benchmarkMine(b, startDaemon(b).url()) })
	b.Run("ephemeral", func(b *testing.B) { benchmarkMine(b, startDaemon(b, "--ephemeral").url()) })
	b.Run("flask", func(b *testing.B) { benchmarkMine(b, flask.Start(b, flask.Classic).URL) })
}

func benchmarkMine(b *testing.B, url string) {
	for b.Loop() {
		res, err := client.Get(url + "/mine")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != 200 {
			b.Fatal(res.Status, err)
		}
		res.Body.Close()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "blocks/s")
}

// BenchmarkMineRace lets connected nodes mine at four zeros, with a core each, and counts the work that is lost: blocks that are on
// no chain in the end, and searches that another block ended.
//
//	go test ./test/e2e -run '^$' -bench MineRace -benchtime 1x
func BenchmarkMineRace(b *testing.B) {
	for _, r := range []struct {
		name, mode string
		miners     int
		lasts      time.Duration
	}{
		{"one continuous", "continuous", 1, 20 * time.Second},
		{"three continuous", "continuous", 3, 20 * time.Second},
		{"three interval=5s", "interval=5s", 3, time.Minute},
	} {
		b.Run(r.name, func(b *testing.B) {
			for b.Loop() {
				race(b, r.miners, r.mode, r.lasts)
			}
		})
	}
}

func race(b *testing.B, miners int, mode string, lasts time.Duration) {
	nodes := []*daemon{startDaemon(b, "--mine-cores", "1")}
	for range miners - 1 {
		nodes = append(nodes, startDaemon(b, "--mine-cores", "1", "--peer", nodes[0].url()))
	}
	nodes[0].mine()
	agreed(b, nodes...)
	setMode(b, nodes, mode)
	time.Sleep(lasts)             // the race is what is measured
	client.CloseIdleConnections() // a node closes those that were idle for a minute
	setMode(b, nodes, "manual")
	nodes[0].mine() // a tie ends
	tip := agreed(b, nodes...)

	const unraced = 2 // mined above
	mined, stale, kept := -float64(unraced), 0.0, float64(tip.Height-1-unraced)
	for _, d := range nodes {
		m := d.mining()
		mined, stale = mined+float64(m.Blocks), stale+float64(m.Stale)
	}
	b.ReportMetric(mined, "mined-blocks")
	b.ReportMetric(kept/lasts.Seconds(), "kept-blocks/s")
	b.ReportMetric(100*(mined-kept)/mined, "lost-blocks-%")
	b.ReportMetric(100*stale/(stale+mined), "ended-searches-%")
}

func setMode(b *testing.B, nodes []*daemon, mode string) {
	b.Helper()
	for _, d := range nodes {
		var m minerInfo
		if err := d.ask("POST", "/mining", mustJSON(b, map[string]string{"mode": mode}), 200, &m); err != nil {
			b.Fatal(err)
		}
	}
}
