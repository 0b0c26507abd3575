package main

import (
	"strings"
	"testing"
	"time"

	"kuai/rpc/api"
)

// TestStatusShowsWhereRewardsGo: on a secure network, to an address that is not the node's.
func TestStatusShowsWhereRewardsGo(t *testing.T) {
	for _, rewards := range []string{"", "12D3KooWpurse"} {
		var out strings.Builder
		if err := printStatus(&out, language{}, statusInfo{Node: api.Node{PeerID: "a", Rewards: rewards}}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "\nrewards  "+rewards+"\n") != (rewards != "") {
			t.Errorf("with rewards to %q: %s", rewards, &out)
		}
	}
}

// TestStatusWarnsOfACopy in both languages.
func TestStatusWarnsOfACopy(t *testing.T) {
	for want, l := range map[string]language{"identity also that of the node at /a, /b: 'kuai doctor' says what to do": {}, "身份     与 /a, /b 的节点相同：'kuai doctor' 给出解决办法": {zh: true}} {
		var out strings.Builder
		if err := printStatus(&out, l, statusInfo{Copies: []string{"/a", "/b"}}); err != nil || !strings.Contains(out.String(), "\n"+want+"\n") {
			t.Errorf("%s: %v, want %q", &out, err, want)
		}
	}
}

// TestStatusNamesTheNetwork by its name and its id; a node of an earlier version knows its id alone.
func TestStatusNamesTheNetwork(t *testing.T) {
	for want, n := range map[string]api.Node{
		"\nnetwork  class-5b (0123-1)\n": {Network: "0123-1", NetworkName: "class-5b"}, "\nnetwork  0123-1\n": {Network: "0123-1"},
	} {
		var out strings.Builder
		if err := printStatus(&out, language{}, statusInfo{Node: n}); err != nil || !strings.Contains("\n"+out.String(), want) {
			t.Errorf("no %q in %s (%v)", want, &out, err)
		}
	}
}

// TestStatusSaysWhetherTheNodeCanBeDialled in both languages; a node that does not find out says nothing.
func TestStatusSaysWhetherTheNodeCanBeDialled(t *testing.T) {
	const at = "/ip4/1.0.0.11/tcp/4001/p2p/a"
	for _, c := range []struct {
		said *api.Dialable
		want string
	}{
		{nil, ""},
		{&api.Dialable{State: "yes", Address: at, By: "b", ByName: "lab"}, "can be dialled at " + at + ", as b \"lab\" found"},
		{&api.Dialable{State: "no", Address: at, By: "b"}, "cannot be dialled at " + at + ", as b found"},
		{&api.Dialable{State: "no"}, "cannot be dialled from outside the local network: there is no public address, and no router has opened a port"},
		{&api.Dialable{State: "unknown"}, "not known yet whether this node can be dialled: a peer outside that runs with --nat, too, must try"},
	} {
		s := statusInfo{Node: api.Node{Dialable: c.said, PeerID: "a"}}
		var english, chinese strings.Builder
		if err := printStatus(&english, language{}, s); err != nil {
			t.Fatal(err)
		}
		_, line, found := strings.Cut(english.String(), "\n"+language{}.label("outside"))
		if line, _, _ = strings.Cut(line, "\n"); line != c.want || found != (c.said != nil) {
			t.Errorf("%+v: %q, want %q", c.said, line, c.want)
		}
		if err := printStatus(&chinese, language{zh: true}, s); err != nil {
			t.Fatal(err)
		}
		_, line, _ = strings.Cut(chinese.String(), "\n"+language{zh: true}.label("outside"))
		if line, _, _ = strings.Cut(line, "\n"); c.said != nil && (line == "" || strings.Contains(line, "dialled")) {
			t.Errorf("in Chinese: %q", line)
		}
	}
}

// TestStatusTellsOfTheLab: the line says on which side of a split network the node is, and how many peers the lab keeps away.
func TestStatusTellsOfTheLab(t *testing.T) {
	until := time.Date(2026, 1, 2, 16, 50, 0, 0, time.Local)
	for _, c := range []struct {
		split         *api.NodeSplit
		cut           []string
		want, chinese string
	}{
		{nil, nil, "", ""},
		{nil, []string{"b", "c"}, "peers cut off by 'kuai lab switches': 2", "被 'kuai lab switches' 断开的节点：2 个"},
		{
			&api.NodeSplit{Side: 2, Teacher: "b", Until: until}, []string{"b"},
			"split until 16:50:00, by b: this node is on side 2; peers cut off: 1", "网络分裂到 16:50:00 为止，由b发起：本节点在第 2 侧；已断开的节点：1 个",
		},
		{
			&api.NodeSplit{Side: 1, Teacher: "a", Until: until}, nil,
			"split until 16:50:00, by this node: this node is on side 1; peers cut off: 0", "网络分裂到 16:50:00 为止，由本节点发起：本节点在第 1 侧；已断开的节点：0 个",
		},
	} {
		s := statusInfo{Node: api.Node{PeerID: "a", Split: c.split}, Cut: c.cut}
		for l, want := range map[language]string{{}: c.want, {zh: true}: c.chinese} {
			var out strings.Builder
			if err := printStatus(&out, l, s); err != nil {
				t.Fatal(err)
			}
			_, line, found := strings.Cut(out.String(), "\n"+l.label("lab"))
			if line, _, _ = strings.Cut(line, "\n"); line != want || found != (want != "") {
				t.Errorf("%+v, %q: %q, want %q", c.split, c.cut, line, want)
			}
		}
	}
}
