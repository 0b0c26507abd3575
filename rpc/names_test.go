package rpc

import (
	"fmt"
	"strings"
	"testing"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// TestWhatAPeerSentIsShownWithItsName, as long as it is connected and has one.
func TestWhatAPeerSentIsShownWithItsName(t *testing.T) {
	n := start(t, Config{})
	n.net.set([]Peer{{ID: "a", Connected: true, Name: "lab-pc-7"}, {ID: "b", Connected: true}, {ID: "c", Name: "gone"}})
	stream := listenTo(t, listen(t, n.Handler()), "")
	stream.next("mining") // the names are known then
	genesis := n.chain.Tip()
	for i, from := range []string{"a", "b", "c"} {
		b := chaintest.Block(t, n.chain.Rules(), n.chain.Tip(), "miner")
		if _, err := n.chain.Add(b, from); err != nil {
			t.Fatal(err)
		}
		expected := `"from":"` + from + `","hash"`
		if i == 0 {
			expected = `"from":"a","from_name":"lab-pc-7","hash"`
		}
		if got := n.do("GET", "/blocks/latest", "").Body.String(); !strings.Contains(got, expected) {
			t.Errorf("block of %s: %s", from, got)
		}
		if got := stream.next("block"); !strings.Contains(got.data, expected) {
			t.Errorf("event of %s: %s", from, got.data)
		}
	}
	side := chaintest.Block(t, n.chain.Rules(), genesis, "other")
	if _, err := n.chain.Add(side, "a"); err != nil {
		t.Fatal(err)
	}
	if got := n.do("GET", "/forks", "").Body.String(); !strings.Contains(got, `"from":"a","from_name":"lab-pc-7","length":1`) {
		t.Errorf("fork: %s", got)
	}
	if got := n.do("GET", "/blocks", "").Body.String(); strings.Count(got, "from_name") != 1 {
		t.Errorf("blocks: %s", got)
	}
	if _, err := n.chain.Submit(chaintest.Payment(), "a"); err != nil {
		t.Fatal(err)
	}
	if got := stream.next("transaction"); !strings.HasPrefix(got.data, `{"from":"a","from_name":"lab-pc-7",`) {
		t.Errorf("payment: %s", got.data)
	}
}

// TestLatestBlockIsTheTip: what GET /blocks/latest answers follows the tip, and what its sender calls itself, however often it was asked.
func TestLatestBlockIsTheTip(t *testing.T) {
	n := start(t, Config{})
	same := func(when string) {
		t.Helper()
		expected := n.do("GET", "/blocks/"+n.chain.Tip().Hash.String(), "").Body.String()
		for range 3 {
			if got := n.do("GET", "/blocks/latest", ""); got.Code != 200 || got.Body.String() != expected {
				t.Errorf("%s: %d %s, not %s", when, got.Code, got.Body, expected)
			}
		}
	}
	same("at the genesis")
	genesis := n.chain.Tip()
	add := func(parent consensus.Header, miner string) consensus.Header {
		b := chaintest.Block(t, n.chain.Rules(), parent, miner)
		if _, err := n.chain.Add(b, "a"); err != nil {
			t.Fatal(err)
		}
		return b.Header()
	}
	add(genesis, "m")
	same("after a block")
	for _, peers := range [][]Peer{{{ID: "a", Connected: true, Name: "lab-pc-7"}}, {{ID: "a", Connected: true, Name: "lab-pc-8"}}, {{ID: "a", Name: "lab-pc-8"}}, nil} {
		n.net.set(peers)
		same(fmt.Sprint("with peers ", peers))
	}
	add(add(genesis, "other"), "other")
	same("after a reorg")
	if head := n.do("HEAD", "/blocks/latest", ""); head.Header().Get("Content-Length") != n.do("GET", "/blocks/latest", "").Header().Get("Content-Length") {
		t.Errorf("HEAD: %v", head.Header())
	}
}
