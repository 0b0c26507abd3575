package main

import (
	"errors"
	"strings"
	"testing"

	"kuai/rpc/api"
)

const (
	idX      = "12D3KooWPan1bBZGNrm4EWrVqhb2QX3JJMeNA2gjg1FETs1uKi7v"
	deadX    = "/ip4/192.0.2.1/tcp/15000/p2p/" + idX
	liveX    = "/ip4/192.0.2.2/tcp/15000/p2p/" + idX
	refusedX = "unreachable: connection refused"
)

// TestConnectNamesTheAddressOfTheConnection, if it is not the one that was given.
func TestConnectNamesTheAddressOfTheConnection(t *testing.T) {
	peers := api.Peers{
		Nodes: []api.RegisteredNode{
			{Address: deadX, PeerID: idX}, {Address: liveX, PeerID: idX}, {Address: "/dns4/pc-2/tcp/15000/p2p/" + idX, PeerID: idX},
			{Address: "pc-2:5000", URL: "https://pc-2:5000", PeerID: idX},
		},
		Peers: []api.Peer{{ID: idX, Address: liveX, Connected: true, Height: 1}},
	}
	for word, want := range map[string]string{
		liveX:                               "connected to " + idX + " at " + liveX,
		deadX:                               "connected to " + idX + " at " + liveX + ": " + deadX + " was not needed, and may not work",
		"/dns4/pc-2/tcp/15000/p2p/" + idX:   "connected to " + idX + " at /dns4/pc-2/tcp/15000/p2p/" + idX,
		"https://pc-2:5000/":                "connected to " + idX + " at https://pc-2:5000",
		strings.ToUpper("http://pc-2:5000"): "connected to " + idX + " at https://pc-2:5000",
	} {
		j, err := joinedTo(peers, word)
		var b strings.Builder
		if err == nil {
			err = printJoined(&b, language{}, j)
		}
		if got := strings.TrimSuffix(b.String(), "\n"); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", word, got, err, want)
		}
	}
}

// TestConnectSaysWhyOfTheAddress, not of others of the same peer, and what a copy of the node is.
func TestConnectSaysWhyOfTheAddress(t *testing.T) {
	peers := api.Peers{
		Nodes: []api.RegisteredNode{
			{Address: deadX, PeerID: idX, Reason: refusedX}, {Address: liveX, PeerID: idX, Reason: "unreachable: no answer"},
			{Address: "copy:5000", URL: "http://copy:5000", PeerID: "self", State: "same identity as this node, next try in 10 min"},
		},
		Peers: []api.Peer{
			{ID: idX, Address: liveX, Reason: "unreachable: connection refused, no answer", LastError: "two addresses"},
			{Address: "http://copy:5000", State: "same identity as this node, next try in 10 min", LastError: "another node has this node's identity"},
		},
	}
	for word, want := range map[string]string{deadX: "connection refused", liveX: "no answer"} {
		if _, err := joinedTo(peers, word); err == nil || err.Error() != want || !errors.As(err, &notYet{}) {
			t.Errorf("%s: %v, want %q", word, err, want)
		}
	}
	if _, err := joinedTo(peers, "copy:5000"); !errors.Is(err, errCopy) {
		t.Errorf("the copy: %v", err)
	}
	zh := language{zh: true}.text(copyError("copy:5000").Error())
	if !strings.HasPrefix(zh, "没有连接到 copy:5000：它与本节点身份相同") {
		t.Errorf("in Chinese: %s", zh)
	}
	if _, err := joinedTo(peers, "self:5000"); !errors.Is(err, errSelf) {
		t.Errorf("itself: %v", err)
	}
}

// TestDisconnectSaysWhatStays: other registered addresses of the peer, or that it was asked for otherwise.
func TestDisconnectSaysWhatStays(t *testing.T) {
	node := func(address, id string) api.RegisteredNode { return api.RegisteredNode{Address: address, PeerID: id} }
	before := api.Peers{
		Nodes: []api.RegisteredNode{node("pc-2:5000", idX), node(liveX, idX), node("silent:5000", "")},
		Peers: []api.Peer{{ID: idX, Connected: true, Static: true}},
	}
	one := api.Peers{Nodes: before.Nodes[1:], Peers: before.Peers}
	none := api.Peers{Peers: before.Peers}
	gone := api.Peers{Peers: []api.Peer{{ID: idX, Connected: true}}}
	for _, c := range []struct {
		name  string
		after api.Peers
		want  string
	}{
		{"PC-2:5000", one, "PC-2:5000 is forgotten, and the peer stays: it is also registered as " + liveX + "; 'kuai disconnect " + idX + "' ends the connection"},
		{liveX, none, liveX + " is forgotten, and the peer stays: --peer names it, too; 'kuai disconnect " + idX + "' ends the connection"},
		{"silent:5000", before, "silent:5000 is forgotten: it led to no peer"},
		{liveX, gone, "disconnected from " + liveX + ": it is kept away for 10 minutes, or until 'kuai connect' asks for it or this node is restarted"},
		{idX, gone, "disconnected from " + idX + ": it is kept away for 10 minutes, or until 'kuai connect' asks for it or this node is restarted"},
	} {
		var b strings.Builder
		if err := printLeft(&b, language{}, leftBy(c.name, before, c.after)); err != nil || b.String() != c.want+"\n" {
			t.Errorf("%s: %s, %v, want %s", c.name, b.String(), err, c.want)
		}
	}
}

// TestPeersShowWhoIsNotHeard and scores below 0, not others.
func TestPeersShowWhoIsNotHeard(t *testing.T) {
	var b strings.Builder
	err := printPeers(&b, language{}, api.Peers{Peers: []api.Peer{
		{ID: "gray", Connected: true, Direction: "inbound", Score: -89.84, State: "graylisted: its gossip is ignored"},
		{ID: "slip", Connected: true, Direction: "inbound", Score: -10, State: "connected"},
		{ID: "good", Connected: true, Direction: "inbound", Score: 3, State: "connected"},
	}})
	lines := strings.Split(b.String(), "\n")
	if err != nil || len(lines) != 4 || !strings.Contains(lines[0], "graylisted: its gossip is ignored") || !strings.Contains(lines[0], "score -89.8") ||
		!strings.Contains(lines[1], "score -10.0") || strings.Contains(lines[1], "connected") || strings.Contains(lines[2], "score") {
		t.Errorf("%v\n%s", err, &b)
	}
}
