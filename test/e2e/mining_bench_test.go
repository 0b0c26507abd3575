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

// raceTime is how long the miners of BenchmarkMineRace race.
const raceTime = 20 * time.Second

// BenchmarkMineRace lets three connected nodes mine at four zeros, with a core each, and counts the work that is lost: blocks that are on
// no chain in the end, and searches that another block ended.
//
//	go test ./test/e2e -run '^$' -bench MineRace -benchtime 1x
func BenchmarkMineRace(b *testing.B) {
	for _, mode := range []string{"continuous", "interval=5s"} {
		b.Run(mode, func(b *testing.B) {
			for b.Loop() {
				race(b, mode)
			}
		})
	}
}

func race(b *testing.B, mode string) {
	nodes := []*daemon{startDaemon(b, "--mine-cores", "1")}
	for range 2 {
		nodes = append(nodes, startDaemon(b, "--mine-cores", "1", "--peer", nodes[0].url()))
	}
	nodes[0].mine()
	agreed(b, nodes...)
	setMode(b, nodes, mode)
	time.Sleep(raceTime) // the race is what is measured
	setMode(b, nodes, "manual")
	nodes[0].mine() // whoever has the longest chain, all agree in the end
	tip := agreed(b, nodes...)

	var mined, stale uint64
	for _, d := range nodes {
		m := d.mining()
		mined, stale = mined+m.Blocks, stale+m.Stale
	}
	kept := uint64(tip.Height - 1)
	b.ReportMetric(float64(kept)/raceTime.Seconds(), "kept-blocks/s")
	b.ReportMetric(100*float64(mined-kept)/float64(mined), "lost-blocks-%")
	b.ReportMetric(100*float64(stale)/float64(stale+mined), "ended-searches-%")
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
