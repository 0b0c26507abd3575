package rpc

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"kuai/chain/canonical"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

// alicePaid returns a node on whose chain alice paid bob three times, and those blocks.
func alicePaid(t *testing.T) (*node, []*consensus.Block) {
	t.Helper()
	n := start(t, Config{})
	var blocks []*consensus.Block
	for i, amount := range []canonical.Number{"0.1", "0.2", "5"} {
		p := chaintest.Payment().Transaction()
		p.Amount, p.ID = amount, consensus.ID{byte(i)}
		if _, err := n.chain.Submit(chaintest.Checked(p), ""); err != nil {
			t.Fatal(err)
		}
		blocks = append(blocks, chaintest.MineOn(t, n.chain, 1)...)
	}
	return n, blocks
}

func TestAddress(t *testing.T) {
	n, blocks := alicePaid(t)
	entry := func(i int, amount string) string {
		return fmt.Sprintf(`{"block":{"hash":"%s","index":%d},"confirmations":%d,"position":0,"transaction":{"amount":%s,"id":"%s","recipient":"bob","sender":"alice"}}`,
			blocks[i].Hash(), i+2, 3-i, amount, consensus.ID{byte(i)})
	}
	want(t, n.do("GET", "/addresses/bob", ""), 200,
		`{"address":"bob","balance":"5.3","count":3,"history":[`+entry(2, "5")+","+entry(1, "0.2")+","+entry(0, "0.1")+`],"next":null}`+"\n")
	want(t, n.do("GET", "/addresses/alice?limit=2", ""), 200,
		`{"address":"alice","balance":"-5.3","count":3,"history":[`+entry(2, "5")+","+entry(1, "0.2")+`],"next":"3-0"}`+"\n")
	for _, before := range []string{"3", "3-0", "2-1"} {
		want(t, n.do("GET", "/addresses/alice?limit=2&before="+before, ""), 200,
			`{"address":"alice","balance":"-5.3","count":3,"history":[`+entry(0, "0.1")+`],"next":null}`+"\n")
	}
	nobody := "no/body 块"
	want(t, n.do("GET", "/addresses/"+url.PathEscape(nobody), ""), 200,
		`{"address":"no/body \u5757","balance":"0","count":0,"history":[],"next":null}`+"\n")
}

// TestAnyNameHasAnAddress: every name that a payment can have is found, by HTTP and by the client.
func TestAnyNameHasAnAddress(t *testing.T) {
	n := start(t, Config{})
	c := NewClient(listen(t, n.Handler()) + "/")
	names := []string{"/", "//", "a/", "/a", "a//b", ".", "..", "./", "%", "%2F", "%2f/", "块/é", "a?b#c", "a b+c", "\\", "latest", "\x01", "a\nb", ";=&,", "://"}
	for i, name := range names {
		p := chaintest.Payment().Transaction()
		p.Recipient, p.ID = name, consensus.ID{byte(i)}
		if _, err := n.chain.Submit(chaintest.Checked(p), ""); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
	}
	chaintest.MineOn(t, n.chain, 1)
	for _, name := range names {
		for _, target := range []string{url.PathEscape(name), percent(name), strings.ToLower(percent(name))} {
			if v := decode(t, n.do("GET", "/addresses/"+target, ""), 200); v["address"] != name || v["count"] != 1.0 {
				t.Errorf("%q as %s: %v", name, target, v)
			}
		}
		if a, err := c.Address(t.Context(), name); err != nil || a.Address != name || a.Count != 1 {
			t.Errorf("the client for %q: %+v, %v", name, a, err)
		}
	}
}

// percent encodes every byte.
func percent(s string) (out string) {
	for i := range len(s) {
		out += fmt.Sprintf("%%%02X", s[i])
	}
	return out
}

func TestAddressRefusals(t *testing.T) {
	n, _ := alicePaid(t)
	for target, status := range map[string]int{
		"bob?before=0": 400, "bob?before=-1": 400, "bob?before=x": 400, "bob?before=2-": 400, "bob?before=2--1": 400, "bob?before=2-x": 400, "bob?before=%zz": 400,
		"bob?limit=0": 400, "bob?limit=x": 400, "%ff": 400, strings.Repeat("x", 257): 400, "": 404, strings.Repeat("x", 256): 200, "bob?limit=100000": 200,
	} {
		if w := n.do("GET", "/addresses/"+target, ""); w.Code != status {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
	if w := n.do("POST", "/addresses/bob", "{}"); w.Code != 405 {
		t.Errorf("POST: %d", w.Code)
	}
}

// TestAddressPagesMeet: the pages that next leads to are the whole history, each transaction once, also within a block.
func TestAddressPagesMeet(t *testing.T) {
	n := start(t, Config{})
	for range 250 {
		if _, err := n.chain.Submit(chaintest.Payment(), ""); err != nil {
			t.Fatal(err)
		}
	}
	chaintest.MineOn(t, n.chain, 3)
	seen, target := make(map[string]bool), "/addresses/bob?limit=99"
	for page := 0; target != "" && page < 10; page++ {
		v := decode(t, n.do("GET", target, ""), 200)
		for _, e := range v["history"].([]any) {
			seen[fmt.Sprint(e.(map[string]any)["transaction"])] = true
		}
		target = ""
		if next, ok := v["next"].(string); ok {
			target = "/addresses/bob?limit=99&before=" + next
		}
	}
	if len(seen) != 250 {
		t.Errorf("%d of 250 payments are in the pages", len(seen))
	}
}
