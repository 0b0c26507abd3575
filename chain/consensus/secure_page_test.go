package consensus_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"kuai/chain/consensus"
)

// TestSecurePageIsTrue follows the examples of the protocol page's section on secure networks.
func TestSecurePageIsTrue(t *testing.T) {
	text, err := os.ReadFile("../../docs/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Secure networks")
	examples := regexp.MustCompile("(?m)^    (.*)$").FindAllStringSubmatch(section, 100)
	with := func(start string) (at int) {
		for i, e := range examples {
			if strings.HasPrefix(e[1], start) {
				return i
			}
		}
		t.Fatalf("no example starts with %s", start)
		return 0
	}
	r, err := consensus.ReadRules([]byte(examples[with(`{"name": "class"`)][1]))
	if err != nil {
		t.Fatal(err)
	}
	if id := examples[with(`{"block_seconds"`)+1][1]; r.Network() != id {
		t.Errorf("the network is %s, the page says %s", r.Network(), id)
	}
	p, err := r.ParsePayment([]byte(examples[with(`{"amount"`)][1]))
	if err != nil || p.Transaction().CheckSignature(r.Network()) != nil {
		t.Errorf("the payment: %v", err)
	}
	at := with(`{"index": 2`)
	b, err := r.ParseBlock([]byte(examples[at][1]))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.CheckLink(r.Genesis.Header(), b); err != nil || b.Hash().String() != examples[at+1][1] {
		t.Errorf("the block %s: %v", b.Hash(), err)
	}
	for i, leaf := range b.Leaves() {
		if leaf.String() != examples[at+2+i][1] {
			t.Errorf("leaf %d is %s", i, leaf)
		}
	}
	for _, id := range []string{consensus.Secure().Network(), consensus.Dev().Network()} {
		if !strings.Contains(section, "`"+id+"`") {
			t.Errorf("the page lacks the network %s", id)
		}
	}
}
