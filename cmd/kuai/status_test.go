package main

import (
	"strings"
	"testing"

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
		{&api.Dialable{State: "no"}, "cannot be dialled: there is no public address, and no router has opened a port"},
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
