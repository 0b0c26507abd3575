package p2p_test

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"kuai/chain/consensus"
	"kuai/p2p"
	"kuai/p2p/p2ptest"
)

var (
	partitions = flag.Int("partitions", partitionsHere(), "how many partitions TestPartitions draws")
	partition  = flag.Uint64("partition", 0, "the seed of the only partition that TestPartitions draws; 0: seeds from 1 on")
)

// partitionsHere is 200 on CI, and what takes half a minute elsewhere.
func partitionsHere() int {
	if os.Getenv("CI") != "" {
		return 200
	}
	return 40
}

// partitioned is a network that falls apart, lives on in parts and is mended. A seed stands for one; what
// happens to each single packet may still differ between two runs.
type partitioned struct {
	seed   uint64
	layout string
	nodes  int
	links  p2ptest.Links
	hops   int
	cut    string
	side   []int
	loss   float64
	delay  [][]time.Duration // of each link, one way
	ahead  []time.Duration   // of each clock
	lasts  time.Duration
	within time.Duration // until there is one tip
	blocks [2]int        // that each side mines meanwhile
}

// drawPartition makes a partition out of its seed.
func drawPartition(seed uint64) *partitioned {
	r := rand.New(rand.NewPCG(seed, 4))
	p := &partitioned{seed: seed, nodes: 8, lasts: time.Duration(2+r.IntN(40)) * time.Second}
	switch r.IntN(16) {
	case 0, 1:
		p.nodes = 12
	case 2, 3: // connections die
		p.lasts += 40 * time.Second
	}
	p.drawLinks(r)
	p.drawCut(r)
	p.drawWire(r)
	for range p.nodes {
		off := []time.Duration{0, 0, time.Hour, -time.Hour}[r.IntN(4)]
		p.ahead = append(p.ahead, off)
	}
	p.blocks = [2]int{1 + r.IntN(30), 1 + r.IntN(30)}
	switch r.IntN(16) {
	case 0:
		p.blocks = [2]int{100 + r.IntN(200), 100 + r.IntN(200)}
		if p.loss > 0 {
			p.within = max(p.within, 2*time.Minute)
		}
	case 1, 2:
		p.blocks[1] = p.blocks[0]
	}
	return p
}

func (p *partitioned) drawLinks(r *rand.Rand) {
	half := p.nodes / 2
	layouts := []struct {
		name  string
		links p2ptest.Links
		hops  int // from one end to the other
	}{
		{"line", p2ptest.Line, p.nodes - 1},
		{"ring", p2ptest.Ring, half},
		{"star", p2ptest.Star, 2},
		{"full", p2ptest.Full, 1},
		{"two rings", func(_, a, b int) bool {
			if a/half == b/half {
				return p2ptest.Ring(half, a%half, b%half)
			}
			return a%half == b%half && a%half < 2 // two bridges
		}, half},
	}
	l := layouts[r.IntN(len(layouts))]
	p.layout, p.links, p.hops = l.name, l.links, l.hops
}

// drawCut decides who is on which side.
func (p *partitioned) drawCut(r *rand.Rand) {
	left := []int{p.nodes / 2, p.nodes * 5 / 8, 1, 1 + r.IntN(p.nodes-1)}[r.IntN(4)]
	if p.layout == "two rings" {
		left = p.nodes / 2
	}
	p.side = make([]int, p.nodes)
	for i := left; i < p.nodes; i++ {
		p.side[i] = 1
	}
	p.cut = fmt.Sprintf("%d:%d", left, p.nodes-left)
	if p.layout != "two rings" && r.IntN(4) == 0 {
		r.Shuffle(p.nodes, func(i, j int) { p.side[i], p.side[j] = p.side[j], p.side[i] })
		p.cut += " at random"
	}
}

// drawWire draws losses and delays. Links may be half a second long if a second and a half is enough to
// cross the network: on longer ways nobody could agree within seconds. Where links lose much, or are slow and
// lose some, it takes longer: QUIC halves its rate with each loss, and then sends some 5 kB/s on a link of half
// a second that loses a tenth (docs/decisions/004).
func (p *partitioned) drawWire(r *rand.Rand) {
	weather := []struct {
		loss   float64
		most   time.Duration
		within time.Duration
	}{
		{0, 5 * time.Millisecond, 10 * time.Second},
		{0, 499 * time.Millisecond, 10 * time.Second},
		{0.1, 5 * time.Millisecond, 10 * time.Second},
		{0.1, 50 * time.Millisecond, 10 * time.Second},
		{0.1, 499 * time.Millisecond, time.Minute},
		{0.3, 5 * time.Millisecond, 30 * time.Second},
		{0.3, 50 * time.Millisecond, 30 * time.Second},
		{0.3, 499 * time.Millisecond, 5 * time.Minute},
	}
	w := weather[r.IntN(len(weather))]
	p.loss, p.within = w.loss, w.within
	most := min(w.most, 1500*time.Millisecond/time.Duration(p.hops))
	for range p.nodes {
		p.delay = append(p.delay, make([]time.Duration, p.nodes))
	}
	for a := range p.nodes {
		for b := range a {
			d := time.Millisecond + time.Duration(r.Int64N(int64(most)))
			p.delay[a][b], p.delay[b][a] = d, d
		}
	}
}

func (p *partitioned) String() string {
	slowest := time.Duration(0)
	for a := range p.nodes {
		for b := range a {
			if p.links(p.nodes, a, b) {
				slowest = max(slowest, p.delay[a][b])
			}
		}
	}
	return fmt.Sprintf("seed %d: %s of %d cut %s for %v, %v blocks, %.0f %% loss, links up to %v",
		p.seed, p.layout, p.nodes, p.cut, p.lasts, p.blocks, 100*p.loss, slowest)
}

// TestPartitions cuts networks of all kinds in two, lets both sides mine and pay, and mends them. They must
// have one tip 10 s later, or what drawWire allows, every payment must be there once, and no node may hold
// anything against another. The race detector makes it several times slower, and sees a tenth of them.
func TestPartitions(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // a tenth of the time; the networks are small
	first, count := uint64(1), *partitions
	switch {
	case *partition != 0:
		first, count = *partition, 1
	case p2p.Raced:
		count = max(1, count/10)
	}
	for seed := first; seed < first+uint64(count); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			p := drawPartition(seed)
			synctest.Test(t, p.run)
		})
	}
}

func (p *partitioned) run(t *testing.T) {
	var log io.Writer
	if testing.Verbose() && *partition != 0 {
		log = os.Stderr
	}
	net := p2ptest.New(t, p2ptest.Options{
		Log:   log,
		Nodes: p.nodes, Links: p.links, Loss: p.loss, Seed: p.seed,
		Delay: func(a, b int) time.Duration { return p.delay[a][b] },
		Ahead: func(i int) time.Duration { return p.ahead[i] },
	})
	t.Log(p)
	net.Connected(5 * time.Minute)
	r := rand.New(rand.NewPCG(p.seed, 5))
	ids := net.Pay(r.IntN(p.nodes), 5)
	net.Cut(func(i int) int { return p.side[i] })
	ids = append(ids, p.live(net, r)...)
	net.Heal()
	t.Logf("one tip after %v", healOnce(net, r, p.within))
	net.AllKnown(max(3*time.Minute, p.within), ids)
	net.Conserved(ids)
	nobodyBlamed(t, net)
}

// live mines and pays on both sides until the partition's time is over.
func (p *partitioned) live(net *p2ptest.Net, r *rand.Rand) (ids []consensus.ID) {
	var miners []int
	for side, n := range p.blocks {
		for range n {
			i := r.IntN(p.nodes)
			for p.side[i] != side {
				i = r.IntN(p.nodes)
			}
			miners = append(miners, i)
		}
	}
	r.Shuffle(len(miners), func(i, j int) { miners[i], miners[j] = miners[j], miners[i] })
	for _, i := range miners {
		net.Rest(p.lasts / time.Duration(len(miners)))
		if r.IntN(3) == 0 {
			ids = append(ids, net.Pay(r.IntN(p.nodes), 1+r.IntN(3))...)
		}
		net.Mine(i, 1)
	}
	return ids
}

// healOnce waits for one tip, and says how long. Where several nodes have different ones of the greatest
// height, only the next block decides.
func healOnce(net *p2ptest.Net, r *rand.Rand, within time.Duration) time.Duration {
	highest := highestTips(net)
	if len(highest) > 1 {
		net.Rest(5 * time.Second)
		highest = highestTips(net)
		var all []int
		for _, nodes := range highest {
			all = append(all, nodes...)
		}
		net.Mine(all[r.IntN(len(all))], 1)
	}
	return net.Converge(within)
}

// highestTips are the nodes with the longest chains, by their tips.
func highestTips(net *p2ptest.Net) map[consensus.Hash][]int {
	tips, height := make(map[consensus.Hash][]int), int64(0)
	for _, n := range net.Nodes {
		tip := n.Chain.Tip()
		if tip.Index > height {
			tips, height = make(map[consensus.Hash][]int), tip.Index
		}
		if tip.Index == height {
			tips[tip.Hash] = append(tips[tip.Hash], n.Index)
		}
	}
	return tips
}
