//go:build linux

package netns

import (
	"fmt"
	"syscall"
	"testing"

	"kuai/test/process"
)

// wantOutbound is how many peers a daemon dials.
const wantOutbound = 8

// neighbours is how many entries the kernel's table of neighbours has, one for all namespaces (gc_thresh3). Packets to others are lost.
const neighbours = 1024

// fleet is many daemons on one bridge. If the kernel has room, each has two addresses: a dial tries both in a race.
type fleet struct {
	t     testing.TB
	l     *lan
	nodes []*node
	index map[string]int // by peer id
}

// newFleet prepares daemons. It starts none.
func newFleet(t testing.TB, count int) *fleet {
	t.Helper()
	f := &fleet{t: t, l: newLAN(t, "lan"), index: make(map[string]int)}
	for i := range count {
		s := newSpace(t, fmt.Sprintf("node %d", i))
		address := fmt.Sprintf("198.18.0.%d", i+1)
		f.l.join(s, "eth0", address+"/24")
		if count*count < neighbours/2 {
			s.run(fmt.Sprintf("ip addr add 198.19.0.%d/24 dev eth0", i+1))
		}
		f.nodes = append(f.nodes, newNode(t, s, address))
	}
	return f
}

// launch starts all daemons at once.
func (f *fleet) launch(args ...string) {
	f.t.Helper()
	for _, n := range f.nodes {
		n.Launch(args...)
	}
}

// ready waits until all daemons have said so.
func (f *fleet) ready() {
	f.t.Helper()
	for i, n := range f.nodes {
		n.Ready()
		f.index[n.info().PeerID] = i
	}
}

// stop ends all daemons at once.
func (f *fleet) stop() {
	f.t.Helper()
	for _, n := range f.nodes {
		if err := n.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
			f.t.Fatal(err)
		}
	}
	for _, n := range f.nodes {
		if code := n.Ended(); code != 0 {
			f.t.Fatalf("%s: exit code %d after SIGTERM\n%s", n.at.name, code, n.Out)
		}
	}
}

// together waits until all are one network in which each has eight peers that said their status, or all others if these are fewer.
func (f *fleet) together() {
	f.t.Helper()
	enough := min(wantOutbound, len(f.nodes)-1)
	links := make([][]int, len(f.nodes)) // those of a node that has enough are not asked for again
	process.Eventually(f.t, "all daemons are in one network", settle, func() error {
		for i, n := range f.nodes {
			if len(links[i]) < enough {
				links[i] = f.links(n)
			}
			if got := len(links[i]); got < enough {
				return fmt.Errorf("%s has %d peers, want %d", n.at.name, got, enough)
			}
		}
		if met := reached(links); met < len(f.nodes) {
			clear(links)
			return fmt.Errorf("%d of %d daemons are in one network", met, len(f.nodes))
		}
		return nil
	})
}

// links lists the daemons that n is connected with and has heard a status of.
func (f *fleet) links(n *node) (all []int) {
	f.t.Helper()
	for id, p := range n.peers() {
		if i, ok := f.index[id]; ok && p.Height > 0 {
			all = append(all, i)
		}
	}
	return all
}

// reached counts the nodes that are in one network with the first.
func reached(links [][]int) int {
	seen, next := map[int]bool{0: true}, []int{0}
	for ; len(next) > 0; next = next[1:] {
		for _, i := range links[next[0]] {
			if !seen[i] {
				seen[i] = true
				next = append(next, i)
			}
		}
	}
	return len(seen)
}
