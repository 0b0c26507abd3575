package p2ptest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/p2p"
)

// Options describe a network.
type Options struct {
	Nodes   int
	Links   Links                        // who can reach whom; nil: Full
	Latency time.Duration                // one way; 0: 1 ms
	Delay   func(a, b int) time.Duration // of one link, one way; nil: Latency
	Far     time.Duration                // in addition between the first of the two addresses that each host has
	Loss    float64                      // share of packets lost, 0..1
	Seed    uint64                       // of what is random on the wire
	Apart   bool                         // linked nodes reach each other, but do not know it
	Keep    bool                         // nodes remember their peers when they restart
	Rules   *consensus.Rules             // nil: chaintest.Rules
	Ahead   func(i int) time.Duration
	Lab     bool             // nodes can be told to make faults
	Teacher int              // whose node may put the others on a side, if Follow says so
	Follow  func(i int) bool // nil: none of the nodes agrees to it
	Log     io.Writer        // where all nodes log, at debug level; nil: nowhere
}

// Links reports whether nodes a and b of n have a link. It is symmetrical.
type Links func(n, a, b int) bool

// Line links each node to the next.
func Line(_, a, b int) bool { return a-b == 1 || b-a == 1 }

// Ring is a Line whose ends are linked.
func Ring(n, a, b int) bool { return (a+1)%n == b || (b+1)%n == a }

// Star links all to node 0.
func Star(_, a, b int) bool { return a == 0 || b == 0 }

// Full links all to all.
func Full(_, _, _ int) bool { return true }

// Net is a network under test.
type Net struct {
	t     testing.TB
	o     Options
	wire  *wire
	start time.Time // of the bubble's clock

	strangers int

	Nodes []*Node
}

// Node is one daemon's network and chain.
type Node struct {
	*p2p.Node
	Chain *chain.Chain
	Index int

	key  crypto.PrivKey
	dir  string // of what it remembers; "": nothing
	stop func() // nil while it is down
}

// New builds the network and starts all nodes; linked ones are each other's static peers, dialled from the
// higher index, unless they are Apart. Everything ends with the test.
func New(t testing.TB, o Options) *Net {
	t.Helper()
	if o.Links == nil {
		o.Links = Full
	}
	if o.Latency == 0 {
		o.Latency = time.Millisecond
	}
	if o.Rules == nil {
		o.Rules = chaintest.Rules()
	}
	if o.Delay == nil {
		o.Delay = func(_, _ int) time.Duration { return o.Latency }
	}
	n := &Net{t: t, o: o, wire: newWire(o.Delay, o.Far, o.Loss, o.Seed), start: time.Now()}
	n.Heal()
	n.wire.sim.Start()
	t.Cleanup(n.wire.sim.Close)
	for i := range o.Nodes {
		n.add(i)
	}
	for i := range o.Nodes {
		n.Start(i)
	}
	return n
}

// add makes node i, down.
func (n *Net) add(i int) {
	key, err := p2p.EphemeralIdentity()
	if err != nil {
		n.t.Fatal(err)
	}
	c := chaintest.OpenAt(n.t, n.o.Rules, func() time.Time { return n.now(i) })
	node := &Node{Chain: c, Index: i, key: key}
	if n.o.Keep {
		node.dir = n.t.TempDir()
	}
	n.Nodes = append(n.Nodes, node)
	n.t.Cleanup(func() { n.Stop(i) })
}

// now is node i's clock. The bubble's stands in the year 2000, before any block.
func (n *Net) now(i int) time.Time {
	at := time.Unix(int64(n.o.Rules.Genesis.Header().Timestamp), 0).Add(24*time.Hour + time.Since(n.start))
	if n.o.Ahead != nil {
		at = at.Add(n.o.Ahead(i))
	}
	return at
}

// Start brings node i up, with the identity and the chain that it had.
func (n *Net) Start(i int) {
	n.t.Helper()
	node := n.Nodes[i]
	cfg := p2p.Config{Agent: fmt.Sprintf("node-%d", i), Dir: node.dir}
	var gate []libp2p.Option
	if n.o.Lab {
		cfg.Lab = p2p.NewLab()
		gate = append(gate, libp2p.ConnectionGater(cfg.Lab.Gater()))
		if n.o.Follow != nil && n.o.Follow(i) {
			cfg.Teacher = func(id string) bool { return id == n.Nodes[n.o.Teacher].ID() }
		}
	}
	h, err := n.wire.host(i, node.key, gate...)
	if err != nil {
		n.t.Fatal(err)
	}
	node.Node, err = p2p.NewOn(h, cfg, node.Chain, n.log(i))
	if err != nil {
		n.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- node.Run(ctx) }()
	node.stop = func() {
		cancel()
		if err := <-done; err != nil {
			n.t.Errorf("node %d: %v", i, err)
		}
	}
	for _, other := range n.Nodes[:i] {
		n.link(node, other)
	}
	for _, other := range n.Nodes[i+1:] {
		n.link(other, node)
	}
}

// link makes a dial b, if both are up and linked.
func (n *Net) link(a, b *Node) {
	n.t.Helper()
	if n.o.Apart || a.stop == nil || b.stop == nil || !n.o.Links(n.o.Nodes, a.Index, b.Index) {
		return
	}
	if err := a.Connect(b.Addresses()[0]); err != nil {
		n.t.Fatal(err)
	}
}

// Stop takes node i down.
func (n *Net) Stop(i int) {
	if stop := n.Nodes[i].stop; stop != nil {
		n.Nodes[i].stop = nil
		stop()
	}
}

// Cut lets packets through only between nodes on the same side.
func (n *Net) Cut(side func(i int) int) {
	n.wire.set(func(a, b int) bool { return n.linked(a, b) && (n.hasBareHost(a, b) || side(a) == side(b)) })
}

// Heal undoes Cut.
func (n *Net) Heal() {
	n.wire.set(n.linked)
}

// linked reports whether hosts a and b have a link.
func (n *Net) linked(a, b int) bool { return n.hasBareHost(a, b) || n.o.Links(n.o.Nodes, a, b) }

// hasBareHost reports whether one of the two is a bare host.
func (n *Net) hasBareHost(a, b int) bool { return a >= n.o.Nodes || b >= n.o.Nodes }

// BareHost makes a bare host on the wire that reaches every node and is reached by all: an evil one, or one of another
// kind. The caller closes it.
func (n *Net) BareHost() (host.Host, error) {
	key, err := p2p.EphemeralIdentity()
	if err != nil {
		return nil, err
	}
	n.strangers++
	return n.wire.host(n.o.Nodes+n.strangers-1, key)
}

func (n *Net) log(i int) *slog.Logger {
	if n.o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(n.o.Log, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", i)
}
