//go:build linux

package netns

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
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
	work, rules := c.Draft("miner"), c.Rules()
	now := float64(time.Now().UnixMicro()) / 1e6
	b, err := rules.Seal(work, chaintest.Proof(rules, work.Parent), max(now, work.Parent.Timestamp))
	if err != nil {
		return outcome{}, err
	}
	began := time.Now()
	return outcome{Index: b.Index(), At: began.UnixNano()}, c.AddMined(b)
}

// tellTips says when the chain has a new tip, as soon as a watcher can know.
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

// blockSize is about what a block of one reward has.
const blockSize = 350

// relay passes on what it gets, a block's size at a time, and does nothing else: the price of the way alone. On an order the first of a
// line sends something; the last says when it has it.
func relay(p part, t *tally) {
	l, err := net.Listen("tcp", p.Listen)
	if err != nil {
		t.hold(nil, err)
		return
	}
	t.address = l.Addr().String()
	next := make(chan net.Conn, 1)
	go func() {
		to, err := l.Accept()
		t.hold(to, err)
		next <- to
	}()
	if p.To != "" {
		from, err := net.Dial("tcp", p.To)
		t.hold(from, err)
		go passOn(from, next, p.Last, t)
		return
	}
	sent := int64(0)
	t.order = func() {
		to := <-next
		next <- to
		sent++
		began := time.Now()
		_, err := to.Write(binary.BigEndian.AppendUint64(make([]byte, blockSize-8), uint64(sent)))
		t.hold(nil, err)
		t.say(outcome{Index: sent, At: began.UnixNano()})
	}
}

func passOn(from net.Conn, next <-chan net.Conn, last bool, t *tally) {
	var to net.Conn
	if !last {
		to = <-next
	}
	for b := make([]byte, blockSize); ; {
		if _, err := io.ReadFull(from, b); err != nil {
			return // the end of the line before
		}
		if last {
			t.say(outcome{Index: int64(binary.BigEndian.Uint64(b[blockSize-8:])), At: time.Now().UnixNano()})
		} else if _, err := to.Write(b); err != nil {
			return
		}
	}
}

// BenchmarkLine times a block from chain.AddMined on one node to the chain of the last in a line, one process per node, each in a
// namespace of its own so that it reaches its neighbours only. Every hop validates in full. "disk": the miner's chain is on disk, and
// the block is synced before it is published. "bare": processes that only pass as many bytes on, to compare with.
// -cpu says how many threads each process may run Go on: nine share the machine.
func BenchmarkLine(b *testing.B) {
	for _, hops := range []int{1, 2, 8} {
		for _, kind := range []string{"bare", "memory", "disk"} {
			b.Run(fmt.Sprintf("hops=%d/%s", hops, kind), func(b *testing.B) {
				first, last := newLine(b, hops+1, kind)
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

// newLine runs n nodes of a kind in a line, and lets blocks travel until the meshes stand.
func newLine(b *testing.B, n int, kind string) (first, last *actor) {
	b.Helper()
	role, listen, dir, to := "hop", "/ip4/198.18.%d.1/tcp/%d", "", ""
	switch kind {
	case "disk":
		dir = b.TempDir()
	case "bare":
		role, listen = "relay", "198.18.%d.1:%d"
	}
	for i, s := range chained(b, n) {
		last = s.act(b, part{Role: role, Listen: fmt.Sprintf(listen, i, peerPort), To: to, Dir: dir, Last: i == n-1})
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
