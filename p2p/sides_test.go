package p2p_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"kuai/p2p"
	"kuai/p2p/p2ptest"
)

// classroom is a teacher's node, 0, with four that follow it, 1 to 4, and a lab node, 5, that has not agreed to that.
func classroom(t *testing.T, story func(t *testing.T, net *p2ptest.Net)) {
	t.Helper()
	bubble(t, p2ptest.Options{Nodes: 6, Lab: true, Follow: func(i int) bool { return i > 0 && i < 5 }}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		net.Await(5*time.Second, "all is known of who follows", func() bool { return len(net.Nodes[0].Followers()) == 4 })
		story(t, net)
	})
}

// apart reports whether no node of one list is connected with one of the other list, and all within each list are.
func apart(net *p2ptest.Net, sides ...[]int) bool {
	for i, a := range sides {
		for j, b := range sides {
			for _, x := range a {
				for _, y := range b {
					if x != y && sees(net.Nodes[x], net.Nodes[y]) != (i == j) {
						return false
					}
				}
			}
		}
	}
	return true
}

// split splits the class as its teacher wants it: nodes 3 and 4 on the other side.
func split(t *testing.T, net *p2ptest.Net, within time.Duration) {
	t.Helper()
	asked, err := net.Nodes[0].Split(context.Background(), []string{net.Nodes[3].ID(), net.Nodes[4].ID()}, within)
	if err != nil {
		t.Fatal(err)
	}
	allAgree(t, asked, 4)
	net.Await(2*time.Second, "the sides are apart", func() bool { return apart(net, []int{0, 1, 2, 5}, []int{3, 4}) })
}

func allAgree(t *testing.T, asked []p2p.Asked, count int) {
	t.Helper()
	if len(asked) != count {
		t.Errorf("%d nodes were asked, want %d", len(asked), count)
	}
	for _, a := range asked {
		if a.Err != nil {
			t.Errorf("%s: %v", a.ID, a.Err)
		}
	}
}

// TestSplit parts a class in two sides, each with a chain and payments of its own, and heals it.
func TestSplit(t *testing.T) {
	classroom(t, func(t *testing.T, net *p2ptest.Net) {
		split(t, net, 10*time.Minute)
		for i, side := range map[int]int{0: p2p.TeachersSide, 1: p2p.TeachersSide, 2: p2p.TeachersSide, 3: p2p.OtherSide, 4: p2p.OtherSide, 5: 0} {
			if got := net.Nodes[i].SplitNow(); got.Side != side || side != 0 && got.Teacher != net.Nodes[0].ID() {
				t.Errorf("node %d: %+v", i, got)
			}
		}
		ids := append(net.Pay(1, 3), net.Pay(4, 3)...)
		net.Mine(5, 2) // it has not agreed, and is on the teacher's side all the same
		net.Mine(3, 3)
		net.Reach(10*time.Second, net.Nodes[5].Chain.Tip().Hash, 0, 1, 2)
		net.Reach(10*time.Second, net.Nodes[3].Chain.Tip().Hash, 4)
		net.Rest(5 * time.Minute)
		if !apart(net, []int{0, 1, 2, 5}, []int{3, 4}) || net.Nodes[0].Chain.Tip().Index != 3 {
			t.Errorf("the sides are not apart: height %d", net.Nodes[0].Chain.Tip().Index)
		}
		asked, err := net.Nodes[0].Heal(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		allAgree(t, asked, 4)
		net.Connected(5 * time.Second)
		net.Converge(5 * time.Second)
		net.AllKnown(time.Minute, ids)
		net.Conserved(ids)
		for _, n := range net.Nodes {
			if blamed := n.Blamed(); len(blamed) > 0 || n.SplitNow().Side != 0 {
				t.Errorf("node %d is on side %d, and blames %v", n.Index, n.SplitNow().Side, blamed)
			}
		}
	})
}

// TestSplitEndsByItself: nobody heals, as the teacher's node has stopped.
func TestSplitEndsByItself(t *testing.T) {
	classroom(t, func(t *testing.T, net *p2ptest.Net) {
		split(t, net, time.Minute)
		net.Stop(0)
		net.Rest(50 * time.Second)
		if !apart(net, []int{1, 2, 5}, []int{3, 4}) {
			t.Error("the split has ended early")
		}
		net.Await(15*time.Second, "all are connected again", func() bool { return apart(net, []int{1, 2, 3, 4, 5}) })
	})
}

// TestOneNodeLeavesItsSide: its own operator may do so at any time.
func TestOneNodeLeavesItsSide(t *testing.T) {
	classroom(t, func(t *testing.T, net *p2ptest.Net) {
		split(t, net, 10*time.Minute)
		if _, err := net.Nodes[3].Heal(context.Background()); err != nil {
			t.Fatal(err)
		}
		net.Rest(10 * time.Second)
		if net.Nodes[3].SplitNow().Side != 0 || !sees(net.Nodes[3], net.Nodes[5]) || sees(net.Nodes[4], net.Nodes[5]) {
			t.Error("the node is not where it wants to be")
		}
	})
}

// TestOnlyTheTeacherSplits: those that have agreed to another node refuse, and nothing has changed.
func TestOnlyTheTeacherSplits(t *testing.T) {
	classroom(t, func(t *testing.T, net *p2ptest.Net) {
		asked, err := net.Nodes[5].Split(context.Background(), nil, time.Minute)
		if !errors.Is(err, p2p.ErrNobody) || len(asked) == 0 {
			t.Errorf("%v, error %v", asked, err)
		}
		for _, a := range asked {
			if a.Err == nil || !strings.Contains(a.Err.Error(), "another teacher") {
				t.Errorf("%s: %v", a.ID, a.Err)
			}
		}
		net.Rest(5 * time.Second)
		if !apart(net, []int{0, 1, 2, 3, 4, 5}) || slices.ContainsFunc(net.Nodes, func(n *p2ptest.Node) bool { return n.SplitNow().Side != 0 }) {
			t.Error("the network is split")
		}
	})
}

func TestSplitIsChecked(t *testing.T) {
	classroom(t, func(t *testing.T, net *p2ptest.Net) {
		n := net.Nodes[0]
		for text, c := range map[string]struct {
			other  []string
			within time.Duration
		}{
			"want 1s":             {nil, time.Millisecond},
			"1h0m1s: want 1s..1h": {nil, time.Hour + time.Second},
			"is not a peer id":    {[]string{"127.0.0.1"}, time.Minute},
			"has not agreed":      {[]string{net.Nodes[5].ID()}, time.Minute},
			"want at most 128":    {make([]string, p2p.MaxOther+1), time.Minute},
		} {
			if _, err := n.Split(context.Background(), c.other, c.within); err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%v, not %q", err, text)
			}
		}
		asked, err := n.Split(context.Background(), nil, time.Minute) // half of them
		if err != nil {
			t.Fatal(err)
		}
		allAgree(t, asked, 4)
		if got := n.SplitNow(); len(got.Other) != 2 {
			t.Errorf("%+v", got)
		}
		if _, err := n.Split(context.Background(), nil, time.Minute); !errors.Is(err, p2p.ErrSplit) {
			t.Error(err)
		}
	})
	bubble(t, p2ptest.Options{Nodes: 2}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		if _, err := net.Nodes[0].Split(context.Background(), nil, time.Minute); !errors.Is(err, p2p.ErrNoLab) {
			t.Error(err)
		}
		if _, err := net.Nodes[0].Heal(context.Background()); !errors.Is(err, p2p.ErrNoLab) || net.Nodes[0].SplitNow().Side != 0 {
			t.Error(err)
		}
	})
}
