package main

import (
	"maps"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/miner"
	"kuai/rpc"
	"kuai/rpc/api"
)

func TestProgressText(t *testing.T) {
	seconds := func(s float64) *float64 { return &s }
	for want, m := range map[string]api.Miner{
		"waiting for the miner":                                            {},
		"searching: 0.0 M tries, 0.0 M/s":                                  {Searching: true},
		"searching: 12.3 M tries, 38.1 M/s, about 2ms a block":             {Searching: true, Tries: 12_345_678, Rate: 38_100_000, Expected: seconds(0.0017)},
		"searching: 0.5 M tries, 10.0 M/s, about 7m9s a block":             {Searching: true, Tries: 500_000, Rate: 1e7, Expected: seconds(429.4)},
		"searching: 0.5 M tries, 10.0 M/s, about more than a year a block": {Searching: true, Tries: 500_000, Rate: 1e7, Expected: seconds(1e12)},
	} {
		if got := progressText(m); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestVerbsRefuse(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"mine", "0"}, "from 1"},
		{[]string{"mine", "many"}, "from 1"},
		{[]string{"mine", "1", "2"}, "at most 1"},
		{[]string{"mine", "2", "--mode", "manual"}, "one at a time"},
		{[]string{"send", "alice", "bob"}, "3 arg"},
		{[]string{"send", "alice", "bob", "five"}, "want a number"},
		{[]string{"send", "alice", "bob", "true"}, "want a number"},
		{[]string{"send", "\xff", "bob", "1"}, "UTF-8"},
		{[]string{"send", "alice", "b\xc3", "1"}, "UTF-8"},
		{[]string{"block"}, "1 arg"},
		{[]string{"tx"}, "1 arg"},
		{[]string{"balance"}, "1 arg"},
		{[]string{"connect"}, "1 arg"},
		{[]string{"peers", "x"}, `"x"`},
		{[]string{"pending", "x"}, `"x"`},
	} {
		code, _, errOut := kuai(nil, append(c.args, "--api", "http://127.0.0.1:1")...)
		if code != exitUsage || !strings.Contains(errOut, c.says) {
			t.Errorf("%q: exit code %d, says %q, want something about %q", c.args, code, errOut, c.says)
		}
	}
}

// TestCoresLikeTheAPI: the flag takes as many cores as POST /mining does.
func TestCoresLikeTheAPI(t *testing.T) {
	c, log := chaintest.Open(t, consensus.Classic()), newLog(Config{LogLevel: "error"}, t.Output())
	m := miner.New(c, "me", miner.Options{Cores: 1}, log)
	api := httptest.NewServer(rpc.New(rpc.Config{}, c, network{}, mining{m}, log).Handler())
	defer api.Close()
	for cores, want := range map[int]int{maxCores: exitOK, maxCores + 1: exitFailure} {
		if code, out, errOut := kuai(nil, "mine", "--cores", strconv.Itoa(cores), "--api", api.URL); code != want {
			t.Errorf("%d cores: exit code %d, want %d: %s%s", cores, code, want, out, errOut)
		}
	}
}

func TestNamesOfStrangersStayOnTheirLine(t *testing.T) {
	for s, want := range map[string]string{"alice": "alice", "爱丽丝": "爱丽丝", "two words": "two words", "a\nb": `"a\nb"`, "\x1b[2J": `"\x1b[2J"`} {
		if got := name(s); got != want {
			t.Errorf("%q is shown as %s, want %s", s, got, want)
		}
	}
}

func TestPaceOfFastBlocks(t *testing.T) {
	for seconds, want := range map[float64]string{0.004: "0.004", 0.0999: "0.1", 0.26: "0.3", 12.34: "12.3"} {
		if got := paceText(&api.NodePace{BlockSeconds: 10, Tries: 65536, Recent: &seconds}); got != "a block in 10 s, 65536 tries; lately one in "+want+" s" {
			t.Errorf("%v: %s", seconds, got)
		}
	}
}

// TestPaceMetrics reads the figures of a secure network before and after its third block.
func TestPaceMetrics(t *testing.T) {
	pace := api.NodePace{BlockSeconds: 10, Tries: 65536}
	reg := prometheus.NewRegistry()
	reg.MustRegister(paceMetrics(func() *api.NodePace { return &pace })...)
	for _, recent := range []*float64{nil, new(7.5)} {
		pace.Recent = recent
		want := map[string]float64{"kuai_proof_tries": 65536, "kuai_block_time_seconds": 10, "kuai_recent_block_seconds": 0}
		if recent != nil {
			want["kuai_recent_block_seconds"] = *recent
		}
		if got := figures(t, reg); !maps.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
}

// figures returns the first value of each metric.
func figures(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		one := f.GetMetric()[0]
		got[f.GetName()] = one.GetCounter().GetValue() + one.GetGauge().GetValue()
	}
	return got
}

func TestMiningMetrics(t *testing.T) {
	c := chaintest.Open(t, consensus.Classic())
	m := miner.New(c, "me", miner.Options{Cores: 1}, newLog(Config{LogLevel: "error"}, t.Output()))
	reg := prometheus.NewRegistry()
	reg.MustRegister(miningMetrics(m)...)
	if _, err := m.Mine(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Submit(consensus.Hash{}, consensus.Hash{}, 0); err == nil {
		t.Fatal("a proof for no parent was taken")
	}
	got, s := figures(t, reg), m.Status()
	for name, want := range map[string]float64{
		"kuai_mining_blocks_total": 1, "kuai_mining_stale_total": 1, "kuai_mining_searching": 0,
		"kuai_mining_tries_total": float64(s.Total), "kuai_mining_tries_per_second": s.Rate,
	} {
		if value, ok := got[name]; !ok || value != want {
			t.Errorf("%s is %v, want %v", name, value, want)
		}
	}
	if s.Total == 0 || s.Rate == 0 {
		t.Errorf("nothing was tried: %+v", s)
	}
}
