package p2ptest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// Mine adds count blocks to node i's chain, from its pool and by its clock.
func (n *Net) Mine(i, count int) {
	n.t.Helper()
	node := n.Nodes[i]
	rules := node.Chain.Rules()
	for range count {
		work := node.Chain.Draft(node.ID())
		seal := func() (*consensus.Block, error) {
			at := float64(n.now(i).UnixMilli()) / 1e3
			return rules.Seal(work, chaintest.Proof(rules, work.Parent), at)
		}
		if rules.IsSecure() {
			seal = func() (*consensus.Block, error) { return chaintest.SealSecure(rules, work) }
		}
		b, err := seal()
		if err == nil {
			err = node.Chain.AddMined(b)
		}
		if err != nil {
			n.t.Fatalf("node %d mines: %v", i, err)
		}
	}
}

// Pay puts count new payments into node i's pool.
func (n *Net) Pay(i, count int) []consensus.ID {
	n.t.Helper()
	ids := make([]consensus.ID, count)
	for k := range ids {
		t := chaintest.PaymentOn(n.Nodes[i].Chain.Rules())
		ids[k] = t.ID()
		if _, err := n.Nodes[i].Chain.Submit(t, ""); err != nil {
			n.t.Fatalf("node %d pays: %v", i, err)
		}
	}
	return ids
}

// Await returns when ok does, and fails the test when that takes longer than within. It returns how long it
// took, to the hundredth part.
func (n *Net) Await(within time.Duration, what string, ok func() bool) time.Duration {
	n.t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > within {
			n.t.Fatalf("not within %v: %s (seed %d)\n%s", within, what, n.o.Seed, n.describe())
		}
		time.Sleep(max(time.Millisecond, time.Since(began)/100)) // of the bubble's clock
	}
	return time.Since(began)
}

// Connected waits until every node that is up is connected with all that it is linked to.
func (n *Net) Connected(within time.Duration) {
	n.t.Helper()
	ids := make(map[string]int)
	for _, node := range n.up() {
		ids[node.ID()] = node.Index
	}
	n.Await(within, "all linked nodes are connected", func() bool {
		for _, a := range n.up() {
			if n.sees(a, ids) < n.degree(a) {
				return false
			}
		}
		return true
	})
}

// sees counts the nodes that a is linked to, is connected with, and has heard a status of.
func (n *Net) sees(a *Node, ids map[string]int) (count int) {
	for _, p := range a.Peers() {
		if b, ok := ids[p.ID]; ok && p.Connected && p.Height > 0 && n.o.Links(n.o.Nodes, a.Index, b) {
			count++
		}
	}
	return count
}

// degree counts the nodes that are up and linked to a.
func (n *Net) degree(a *Node) (count int) {
	for _, b := range n.up() {
		if b.Index != a.Index && n.o.Links(n.o.Nodes, a.Index, b.Index) {
			count++
		}
	}
	return count
}

// Converge waits until all nodes that are up have the same tip.
func (n *Net) Converge(within time.Duration) time.Duration {
	n.t.Helper()
	return n.Await(within, "one tip", n.oneTip)
}

func (n *Net) oneTip() bool {
	nodes := n.up()
	for _, node := range nodes {
		if node.Chain.Tip().Hash != nodes[0].Chain.Tip().Hash {
			return false
		}
	}
	return true
}

// Reach waits until every node that is up has tip, or, with indexes, each of those nodes has it.
func (n *Net) Reach(within time.Duration, tip consensus.Hash, some ...int) time.Duration {
	n.t.Helper()
	return n.Await(within, "tip "+tip.Short(), func() bool {
		for _, node := range n.up() {
			if node.Chain.Tip().Hash != tip && (len(some) == 0 || slices.Contains(some, node.Index)) {
				return false
			}
		}
		return true
	})
}

// AllPending waits until every node that is up has all ids pending.
func (n *Net) AllPending(within time.Duration, ids []consensus.ID) time.Duration {
	n.t.Helper()
	return n.Await(within, fmt.Sprintf("%d payments pending everywhere", len(ids)), func() bool {
		for _, node := range n.up() {
			if len(node.missing(ids)) > 0 {
				return false
			}
		}
		return true
	})
}

// missing returns those of ids that are not pending.
func (a *Node) missing(ids []consensus.ID) []consensus.ID {
	var out []consensus.ID
	for _, id := range ids {
		if _, ok := a.Chain.PendingByID(id); !ok {
			out = append(out, id)
		}
	}
	return out
}

// Rest lets time pass.
func (n *Net) Rest(d time.Duration) { time.Sleep(d) }

// AllKnown waits until every node that is up has each of ids, mined or pending.
func (n *Net) AllKnown(within time.Duration, ids []consensus.ID) time.Duration {
	n.t.Helper()
	left := make(map[*Node][]consensus.ID)
	for _, node := range n.up() {
		left[node] = ids
	}
	return n.Await(within, fmt.Sprintf("%d payments known everywhere", len(ids)), func() bool {
		for node, ids := range left {
			for ; len(ids) > 0; ids = ids[1:] {
				if _, err := node.Chain.Transaction(ids[0]); err != nil {
					break
				}
			}
			if left[node] = ids; len(ids) == 0 {
				delete(left, node)
			}
		}
		return len(left) == 0
	})
}

// Conserved fails the test unless each of ids is, on every node that is up, mined once or pending.
func (n *Net) Conserved(ids []consensus.ID) {
	n.t.Helper()
	for _, node := range n.up() {
		mined := make(map[consensus.ID]int)
		for i := int64(2); i <= node.Chain.Tip().Index; i++ {
			held, err := node.Chain.At(i)
			if err != nil {
				n.t.Fatal(err)
			}
			for _, t := range held.Block.Transactions() {
				if t.HasID {
					mined[t.ID]++
				}
			}
		}
		for _, id := range ids {
			_, pending := node.Chain.PendingByID(id)
			if mined[id] > 1 || (mined[id] == 1) == pending {
				n.t.Errorf("node %d: payment %s is mined %d times, pending %v", node.Index, id, mined[id], pending)
			}
		}
	}
}

// up lists the nodes that run.
func (n *Net) up() []*Node {
	var out []*Node
	for _, node := range n.Nodes {
		if node.stop != nil {
			out = append(out, node)
		}
	}
	return out
}

// describe returns the state of every node.
func (n *Net) describe() string {
	var b strings.Builder
	for _, node := range n.up() {
		tip := node.Chain.Tip()
		pending, _ := node.Chain.PoolSize()
		fmt.Fprintf(&b, "node %d: tip %d %s, %d pending, %d peers\n", node.Index, tip.Index, tip.Hash.Short(), pending, len(node.Peers()))
	}
	return b.String()
}
