package rpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"kuai/chain/chaintest"
	"kuai/rpc/api"
)

func listOf(nodes ...string) string { return `{"nodes":` + string(api.Append(nil, nodes)) + `}` }

// TestRegisterListsAll, in Flask's form, also if nothing is named.
func TestRegisterListsAll(t *testing.T) {
	n := start(t, Config{})
	for _, list := range []string{listOf("other:5000", "a:1"), listOf("a:1"), `{"nodes":[]}`} {
		want(t, n.do("POST", "/nodes/register", list), 201, `{"message":"New nodes have been added","total_nodes":["a:1","other:5000"]}`+"\n")
	}
}

// TestRefusedRegistrationSaysWhy: what the client got wrong, how many there may be, and that the disk is full.
func TestRefusedRegistrationSaysWhy(t *testing.T) {
	for _, c := range []struct {
		cannot error
		status int
		detail []string
	}{
		{&RefusedNode{Entry: 2, Err: errors.New("a URL has a host")}, 400, []string{`Entry 2 of "nodes" was refused: a URL has a host. Nothing was registered.`}},
		{&RefusedNode{Entry: 2, Address: "http://a:1", Err: errors.New("it is of another network")}, 400, []string{"http://a:1 was refused: it is of another network. Nothing was registered."}},
		{fmt.Errorf("%w: 256", ErrTooManyNodes), 400, []string{"no more registered nodes", "DELETE /peers/<address>", "%2F"}},
		{&os.PathError{Op: "write", Path: "peers.json", Err: syscall.ENOSPC}, 507, []string{"Nothing was changed"}},
	} {
		n := start(t, Config{})
		n.net.cannot = c.cannot
		w := n.do("POST", "/nodes/register", listOf("a:1", "b:1"))
		for _, words := range c.detail {
			if w.Code != c.status || !strings.Contains(w.Body.String(), words) {
				t.Errorf("%d %s, want %q", w.Code, w.Body, words)
			}
		}
	}
	n := start(t, Config{})
	if w := n.do("POST", "/nodes/register", `{"nodes":["a:1",5]}`); w.Code != 400 || !strings.Contains(w.Body.String(), "Entry 2") || len(n.net.nodes) != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := n.do("POST", "/nodes/register", listOf(slices.Repeat([]string{"a:1"}, maxRegister+1)...)); w.Code != 400 || len(n.net.nodes) != 0 {
		t.Errorf("%d nodes at once: %d", maxRegister+1, w.Code)
	}
}

// TestDisconnect by a peer's id or a node's address, of what is known only.
func TestDisconnect(t *testing.T) {
	n := start(t, Config{})
	n.net.peers = []Peer{{ID: "12D3KooWOther"}}
	decode(t, n.do("POST", "/nodes/register", listOf("a:1")), 201)
	for _, c := range []struct {
		name   string
		status int
	}{{"nobody", 404}, {"", 404}, {"%2e%2e", 404}, {"a%3A1", 204}, {"a:1", 404}, {"12D3KooWOther", 204}, {"12D3KooWOther", 404}} {
		if w := n.do("DELETE", "/peers/"+c.name, ""); w.Code != c.status {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
	}
	n.net.cannot = &os.PathError{Op: "write", Path: "peers.json", Err: syscall.ENOSPC}
	if w := n.do("DELETE", "/peers/a:1", ""); w.Code != 507 {
		t.Errorf("on a full disk: %d %s", w.Code, w.Body)
	}
}

// TestResolveReadsAKuaiNodeThatOnlyHTTPReaches, but not one that is connected, which is the network's work, or that does not answer.
func TestResolveReadsAKuaiNodeThatOnlyHTTPReaches(t *testing.T) {
	other := start(t, Config{})
	chaintest.MineOn(t, other.chain, 3)
	at := listen(t, other.Handler())
	for _, c := range []struct {
		connected, answered bool
		message             string
	}{{false, true, "Our chain was replaced"}, {true, true, "Our chain is authoritative"}, {false, false, "Our chain is authoritative"}} {
		n := start(t, Config{})
		n.net.register(at, "kuai")
		n.net.said = func(r Registered) Registered { r.Connected, r.Answered = c.connected, c.answered; return r }
		if got := n.resolveNow(t); !strings.Contains(got, c.message) {
			t.Errorf("%+v: %.200s", c, got)
		}
	}
}

// TestPeersInChinese: why a peer is not connected is in the language that is asked for.
func TestPeersInChinese(t *testing.T) {
	n := start(t, Config{Chinese: func(text string) string { return "中 " + text }})
	n.net.set([]Peer{{ID: "a", State: "unreachable, next try in 5 s", Reason: "unreachable", LastError: "no answer"}})
	n.net.register("http://a:1", "unknown")
	for accept, before := range map[string]string{"": "", "en, zh": "", "zh-CN,zh;q=0.9": "中 "} {
		var list api.Peers
		w := n.do("GET", "/peers", "", "Accept-Language: "+accept)
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list.Peers) != 1 || len(list.Nodes) != 1 {
			t.Fatalf("%q: %d %s", accept, w.Code, w.Body)
		}
		p := list.Peers[0]
		for got, want := range map[string]string{p.State: "unreachable, next try in 5 s", p.Reason: "unreachable", p.LastError: "no answer", list.Nodes[0].State: "not connected"} {
			if got != before+want {
				t.Errorf("%q: %q, want %q", accept, got, before+want)
			}
		}
		if w.Header().Get("Vary") != "Accept-Language" {
			t.Errorf("%q: caches are not told that the language matters", accept)
		}
		if page := n.do("GET", "/", "", "Accept-Language: "+accept).Body.String(); strings.Contains(page, `\u4e2d no answer`) != (before != "") {
			t.Errorf("%q: the page has another language", accept)
		}
	}
}

// TestRefusalsInChinese: for who asks for it, and title and status stay what programs know.
func TestRefusalsInChinese(t *testing.T) {
	n := start(t, Config{Chinese: func(text string) string { return "中 " + text }})
	for accept, chinese := range map[string]bool{"": false, "*": false, "en, zh": false, "zh-CN,zh;q=0.9": true} {
		var p api.Problem
		w := n.do("DELETE", "/peers/nobody", "", "Accept-Language: "+accept, "Accept: application/json")
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Title != "not found" || p.Status != 404 || strings.HasPrefix(p.Detail, "中 There") != chinese || strings.HasPrefix(p.Hint, "中 ") != chinese {
			t.Errorf("%q: %d %+v %v", accept, w.Code, p, err)
		}
	}
}
