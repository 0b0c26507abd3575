//go:build linux

package netns

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/p2p"
)

// meshTime is how long gossip's meshes take to stand.
const meshTime = 3 * time.Second

// hop runs a node with what a daemon has of chain, store and network, that knows the node before it. On an order it mines a block. It
// says when it began to add that one, and, where it is the last of its line, when it had others' blocks.
func hop(p part, t *tally) {
	cfg := p2p.Config{Listen: []string{p.Listen}}
	if p.To != "" {
		cfg.Peers = []string{p.To}
	}
	n, c, err := member(p.Dir, cfg)
	if err != nil {
		t.hold(nil, err)
		return
	}
	t.hold(n, nil)
	t.address = n.Addresses()[0]
	t.order = func() {
		o, err := forge(c)
		if err != nil {
			o.Error = err.Error()
		}
		t.say(o)
	}
	if p.Last {
		go tellTips(c, t)
	}
}

// forge mines a block and returns when it was begun to be added.
func forge(c *chain.Chain) (outcome, error) {
	work, rules := c.Template("miner"), c.Rules()
	txs := append(work.Transactions, chaintest.Reward(rules, "miner"))
	now := float64(time.Now().UnixMicro()) / 1e6
	b, err := rules.NewBlock(work.Parent, chaintest.Proof(rules, work.Parent), max(now, work.Parent.Timestamp), txs)
	if err != nil {
		return outcome{}, err
	}
	began := time.Now()
	return outcome{Index: b.Index(), At: began.UnixNano()}, c.AddMined(b)
}

// tellTips says when the chain has a new tip, as soon as whoever watches it can know.
func tellTips(c *chain.Chain, t *tally) {
	changed, _ := c.Watch()
	for known := c.Tip().Index; ; {
		<-changed
		now := time.Now()
		if at := c.Tip().Index; at > known {
			known = at
			t.say(outcome{Index: at, At: now.UnixNano()})
		}
	}
}

// BenchmarkLine times a block from chain.AddMined on one node to the chain of the last in a line, one process per node, each in a
// namespace of its own so that it reaches its neighbours only. Every hop validates in full. "disk": the miner's chain is on disk, and
// the block is synced before it is published.
func BenchmarkLine(b *testing.B) {
	for _, disk := range []bool{false, true} {
		for _, hops := range []int{1, 2, 8} {
			b.Run(fmt.Sprintf("hops=%d/disk=%v", hops, disk), func(b *testing.B) {
				dir := ""
				if disk {
					dir = b.TempDir()
				}
				first, last := newLine(b, hops+1, dir)
				var took []time.Duration
				for b.Loop() {
					took = append(took, travel(first, last))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			})
		}
	}
}

// travel returns how long a block takes from the first node to the last.
func travel(first, last *actor) time.Duration {
	first.t.Helper()
	first.order()
	mined := first.done(settle)
	if mined.Error != "" {
		first.t.Fatal(mined.Error)
	}
	for {
		if got := last.done(settle); got.Index >= mined.Index {
			return time.Duration(got.At - mined.At)
		}
	}
}

// newLine runs n nodes in a line, the miner's with a directory, and lets blocks travel until the meshes stand.
func newLine(b *testing.B, n int, dir string) (first, last *actor) {
	b.Helper()
	var to string
	for i, s := range chained(b, n) {
		listen := fmt.Sprintf("/ip4/198.18.%d.1/tcp/%d", i, peerPort)
		last = s.act(b, part{Role: "hop", Listen: listen, To: to, Dir: dir, Last: i == n-1})
		o := last.done(settle)
		if o.Error != "" {
			b.Fatal(o.Error)
		}
		if to, dir = o.Address, ""; first == nil {
			first = last
		}
	}
	for began := time.Now(); time.Since(began) < meshTime; {
		travel(first, last)
		time.Sleep(meshTime / 20)
	}
	return first, last
}

// chained makes namespaces, each with a wire to the next.
func chained(b *testing.B, n int) (all []*space) {
	b.Helper()
	for i := range n {
		s := newSpace(b, fmt.Sprintf("hop %d", i))
		s.run("ip link add right type bridge") // the last one has nobody there
		s.run(fmt.Sprintf("ip addr add 198.18.%d.1/24 dev right", i))
		s.run("ip link set right up")
		if i > 0 {
			before := all[i-1]
			before.run("ip link add port type veth peer name left netns " + s.path())
			before.run("ip link set port master right up")
			s.run(fmt.Sprintf("ip addr add 198.18.%d.2/24 dev left", i-1))
			s.run("ip link set left up")
		}
		all = append(all, s)
	}
	return all
}
