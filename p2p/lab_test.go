package p2p_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kuai/p2p"
	"kuai/p2p/p2ptest"
)

// switchAll sets the switches of some nodes, all if none is named.
func switchAll(t *testing.T, net *p2ptest.Net, s p2p.Switches, nodes ...int) {
	t.Helper()
	for _, n := range net.Nodes {
		if len(nodes) > 0 && n.Index != nodes[0] {
			continue
		}
		if err := n.Switch(s); err != nil {
			t.Fatal(err)
		}
	}
}

// sees reports whether a is connected with b.
func sees(a, b *p2ptest.Node) bool {
	for _, p := range a.Peers() {
		if p.ID == b.ID() {
			return p.Connected
		}
	}
	return false
}

// TestLabCut cuts nodes off that dial and that are dialled, from one peer and from all. A cut peer keeps
// dialling in vain.
func TestLabCut(t *testing.T) {
	for _, node := range []int{0, 1, 2} { // the higher index dials
		for _, all := range []bool{false, true} {
			t.Run(fmt.Sprintf("node %d, all %v", node, all), func(t *testing.T) {
				bubble(t, p2ptest.Options{Nodes: 3, Lab: true}, func(t *testing.T, net *p2ptest.Net) {
					net.Connected(10 * time.Second)
					cut, others := net.Nodes[node], [2]*p2ptest.Node{net.Nodes[(node+1)%3], net.Nodes[(node+2)%3]}
					s := p2p.Switches{CutAll: all}
					if !all {
						s.Cut = []string{others[0].ID(), others[1].ID(), others[0].ID()}
					}
					switchAll(t, net, s, node)
					net.Await(time.Second, "the node is alone", func() bool {
						return !sees(cut, others[0]) && !sees(cut, others[1]) && !sees(others[0], cut) && !sees(others[1], cut)
					})
					for _, p := range cut.Peers() {
						if p.State != "cut off by the lab" {
							t.Errorf("%s is %q", p.ID, p.State)
						}
					}
					if got := cut.Switches(); got.CutAll != all || len(got.Cut) != 2 && !all {
						t.Errorf("switches are %+v", got)
					}
					ids := append(net.Pay(node, 2), net.Pay(others[0].Index, 2)...)
					net.Mine(node, 3)
					net.Mine(others[1].Index, 5)
					net.Reach(5*time.Second, others[1].Chain.Tip().Hash, others[0].Index)
					net.Rest(3 * time.Minute)
					if cut.Chain.Tip().Index != 4 {
						t.Errorf("the node that is cut off has height %d", cut.Chain.Tip().Index)
					}
					switchAll(t, net, p2p.Switches{}, node)
					net.Connected(3 * time.Second)
					net.Converge(5 * time.Second)
					net.AllKnown(time.Minute, ids)
					net.Conserved(ids)
					if blamed := cut.Blamed(); len(blamed) > 0 {
						t.Errorf("peers are blamed for the cut: %v", blamed)
					}
				})
			})
		}
	}
}

// TestLabCutOfOne leaves the way over another node open.
func TestLabCutOfOne(t *testing.T) {
	bubble(t, p2ptest.Options{Nodes: 3, Lab: true}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		switchAll(t, net, p2p.Switches{Cut: []string{net.Nodes[2].ID()}}, 0)
		net.Await(time.Second, "the two are apart", func() bool { return !sees(net.Nodes[0], net.Nodes[2]) })
		if !sees(net.Nodes[0], net.Nodes[1]) || !sees(net.Nodes[1], net.Nodes[2]) {
			t.Error("others are apart, too")
		}
		net.Mine(2, 2)
		net.Reach(10*time.Second, net.Nodes[2].Chain.Tip().Hash)
	})
}

// TestLabLossAndPause: without gossip nodes agree all the same, a few seconds later.
func TestLabLossAndPause(t *testing.T) {
	for name, s := range map[string]p2p.Switches{"all messages lost": {Loss: 100}, "gossip paused": {Pause: true}, "half of the messages lost": {Loss: 50}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, p2ptest.Options{Nodes: 4, Links: p2ptest.Line, Lab: true}, func(t *testing.T, net *p2ptest.Net) {
				net.Connected(10 * time.Second)
				net.Rest(5 * time.Second) // the mesh
				switchAll(t, net, s)
				const blocks = 60 // of which a quarter comes when half of what is sent and of what is heard is lost
				soon := 0
				for range blocks {
					net.Mine(0, 1)
					net.Rest(50 * time.Millisecond) // a status may come just then
					if net.Nodes[1].Chain.Tip() == net.Nodes[0].Chain.Tip() {
						soon++
					}
				}
				if soon == blocks || s.Loss == 50 && soon == 0 {
					t.Errorf("%d of %d blocks came at once", soon, blocks)
				}
				ids := net.Pay(3, 5)
				net.Mine(0, 30)
				net.Converge(30 * time.Second)
				net.AllPending(2*time.Minute, ids)
				switchAll(t, net, p2p.Switches{})
				net.Rest(10 * time.Second)
				net.Mine(3, 1)
				net.Reach(time.Second, net.Nodes[3].Chain.Tip().Hash)
				for _, n := range net.Nodes {
					if blamed := n.Blamed(); len(blamed) > 0 {
						t.Errorf("node %d blames peers for what the lab lost: %v", n.Index, blamed)
					}
				}
			})
		})
	}
}

// TestLabDelay holds what a node hears and what it publishes itself, and passes it on afterwards: statuses
// alone are sooner than the sum.
func TestLabDelay(t *testing.T) {
	bubble(t, p2ptest.Options{Nodes: 3, Links: p2ptest.Line, Lab: true}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		net.Rest(5 * time.Second)
		switchAll(t, net, p2p.Switches{Delay: 400 * time.Millisecond}, 1)
		ids := net.Pay(0, 20) // pools are pulled every 10 s at most
		if took := net.AllPending(5*time.Second, ids); took < 400*time.Millisecond {
			t.Errorf("payments crossed the node in %v", took)
		}
		ids = append(ids, net.Pay(1, 1)...)
		if took := net.AllPending(5*time.Second, ids); took < 400*time.Millisecond {
			t.Errorf("the node's own payment took %v", took)
		}
		switchAll(t, net, p2p.Switches{Delay: p2p.MaxDelay}, 1)
		net.Pay(0, 3000) // more than are held
		ids = append(ids, net.Pay(1, 1)...)
		net.Rest(time.Second)
		switchAll(t, net, p2p.Switches{}, 1) // what is held comes at once
		net.Mine(0, 1)
		net.Reach(time.Second, net.Nodes[0].Chain.Tip().Hash)
		net.AllKnown(time.Minute, ids)
		net.Conserved(ids)
	})
}

func TestLabSwitchesAreChecked(t *testing.T) {
	bubble(t, p2ptest.Options{Nodes: 1, Lab: true}, func(t *testing.T, net *p2ptest.Net) {
		n := net.Nodes[0]
		good := p2p.Switches{Delay: time.Second, Loss: 5}
		switchAll(t, net, good)
		for text, s := range map[string]p2p.Switches{
			"delay -1ns":         {Delay: -1},
			"want 0..30s":        {Delay: p2p.MaxDelay + 1},
			"loss -1 %":          {Loss: -1},
			"loss 101 %":         {Loss: 101},
			"not a peer id":      {Cut: []string{"127.0.0.1:5000"}},
			"257 peers to cut o": {Cut: make([]string, p2p.MaxCut+1)},
		} {
			if err := n.Switch(s); err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%+v: %v, not %q", s, err, text)
			}
		}
		if got := n.Switches(); got.Delay != good.Delay || got.Loss != good.Loss {
			t.Errorf("refused switches have changed them: %+v", got)
		}
	})
}

func TestNoLab(t *testing.T) {
	bubble(t, p2ptest.Options{Nodes: 2}, func(t *testing.T, net *p2ptest.Net) {
		net.Connected(10 * time.Second)
		if err := net.Nodes[0].Switch(p2p.Switches{CutAll: true}); err != p2p.ErrNoLab {
			t.Errorf("error %v", err)
		}
		if !sees(net.Nodes[0], net.Nodes[1]) || net.Nodes[0].Switches().CutAll {
			t.Error("a node without a lab is cut off")
		}
	})
}
