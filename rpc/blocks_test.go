package rpc

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"kuai/chain"
	"kuai/chain/canonical"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/rpc/api"
)

// forked returns a node whose chain is genesis, b1, b2, b3 from a peer, with the dropped block a1 beside b1; a1 held a payment.
func forked(t *testing.T) (n *node, payment consensus.Transaction, dropped *consensus.Block) {
	t.Helper()
	n = start(t, Config{})
	rules := n.chain.Rules()
	p := chaintest.Payment()
	if _, err := n.chain.Submit(p, ""); err != nil {
		t.Fatal(err)
	}
	dropped = chaintest.MineOn(t, n.chain, 1)[0]
	parent := rules.Genesis.Header()
	for range 3 {
		b := chaintest.Block(t, rules, parent, "other")
		if _, err := n.chain.Add(b, "peer-b"); err != nil {
			t.Fatal(err)
		}
		parent = b.Header()
	}
	return n, p.Transaction(), dropped
}

func TestBlockByReference(t *testing.T) {
	n, _, dropped := forked(t)
	tip := n.chain.Tip()
	for ref, expected := range map[string]struct {
		branch        string
		index, deep   float64
		from, hashHas string
	}{
		"latest":                {"active", 4, 1, "peer-b", tip.Hash.String()},
		"4":                     {"active", 4, 1, "peer-b", tip.Hash.String()},
		tip.Hash.String():       {"active", 4, 1, "peer-b", tip.Hash.String()},
		"1":                     {"active", 1, 4, "", n.chain.Rules().Genesis.Hash().String()},
		dropped.Hash().String(): {"side", 2, 0, "", dropped.Hash().String()},
	} {
		v := decode(t, n.do("GET", "/blocks/"+ref, ""), 200)
		block, _ := v["block"].(map[string]any)
		if v["branch"] != expected.branch || v["confirmations"] != expected.deep || v["from"] != expected.from || v["hash"] != expected.hashHas || block["index"] != expected.index {
			t.Errorf("%s: %v", ref, v)
		}
		if _, ok := v["received"].(float64); !ok && expected.index > 1 {
			t.Errorf("%s: received is %v", ref, v["received"])
		}
	}
	for ref, status := range map[string]int{"0": 404, "-1": 404, "5": 404, strings.Repeat("0", 64): 404, strings.Repeat("F", 64): 400, "newest": 400, "1.0": 400} {
		if w := n.do("GET", "/blocks/"+ref, ""); w.Code != status {
			t.Errorf("%s: %d %s", ref, w.Code, w.Body)
		}
	}
}

func TestBlockIsTheChainsSpelling(t *testing.T) {
	n := start(t, Config{})
	held, err := n.chain.At(1)
	if err != nil {
		t.Fatal(err)
	}
	want(t, n.do("GET", "/blocks/1", ""), 200, fmt.Sprintf(`{"block":{"index":1,"previous_hash":"1","proof":100,"timestamp":1626739200.0,"transactions":[]},`+
		`"branch":"active","confirmations":1,"from":"","hash":"%s","received":%s}`+"\n", n.chain.Rules().Genesis.Hash(), api.Append(nil, unixSeconds(held.Received))))
}

func TestPagesOfBlocks(t *testing.T) {
	n := start(t, Config{})
	chaintest.MineOn(t, n.chain, 49)
	for query, page := range map[string][2]int{
		"": {31, 50}, "?limit=5": {46, 50}, "?from=1": {1, 20}, "?from=10&limit=2": {10, 11}, "?from=49&limit=1000": {49, 50}, "?limit=100000": {1, 50}, "?from=51": {51, 50},
		"?limit=9223372036854775807": {1, 50}, "?limit=123456789012345678901234567890": {1, 50}, "?from=2&limit=99999999999999999999": {2, 50},
	} {
		v := decode(t, n.do("GET", "/blocks"+query, ""), 200)
		blocks, _ := v["blocks"].([]any)
		if v["length"] != 50.0 || v["from"] != float64(page[0]) || len(blocks) != page[1]-page[0]+1 {
			t.Errorf("%q: from %v, %d blocks, length %v", query, v["from"], len(blocks), v["length"])
			continue
		}
		for i, b := range blocks {
			if got := b.(map[string]any)["block"].(map[string]any)["index"]; got != float64(page[0]+i) {
				t.Errorf("%q: block %v at place %d", query, got, i)
			}
		}
	}
}

func TestForks(t *testing.T) {
	n, _, dropped := forked(t)
	genesis := n.chain.Rules().Genesis.Hash()
	want(t, n.do("GET", "/forks", ""), 200, fmt.Sprintf(`{"count":1,"forks":[{"fork_point":{"hash":"%s","index":1},"from":"","length":1,"tip":{"hash":"%s","index":2}}]}`+"\n", genesis, dropped.Hash()))
	want(t, n.do("GET", "/forks?from=2", ""), 200, `{"count":1,"forks":[]}`+"\n")
	want(t, start(t, Config{}).do("GET", "/forks", ""), 200, `{"count":0,"forks":[]}`+"\n")
}

func TestWhereAPaymentIs(t *testing.T) {
	n, payment, _ := forked(t)
	path := "/transactions/" + payment.ID.String()
	text := string(api.Append(nil, paymentInfo(payment)))
	want(t, n.do("GET", path, ""), 200, `{"block":null,"confirmations":0,"status":"returned","transaction":`+text+"}\n")
	chaintest.MineOn(t, n.chain, 2)
	held, err := n.chain.At(5)
	if err != nil {
		t.Fatal(err)
	}
	want(t, n.do("GET", path, ""), 200, fmt.Sprintf(`{"block":{"hash":"%s","index":5},"confirmations":2,"status":"mined","transaction":%s}`+"\n", held.Block.Hash(), text))
	for id, status := range map[string]int{strings.Repeat("0", 32): 404, "x": 400, strings.ToUpper(payment.ID.String()): 400} {
		if w := n.do("GET", "/transactions/"+id, ""); w.Code != status {
			t.Errorf("%s: %d %s", id, w.Code, w.Body)
		}
	}
	beside, rules := chaintest.Payment(), n.chain.Rules()
	b := chaintest.Block(t, rules, rules.Genesis.Header(), "other", chaintest.Transactions(beside)...)
	if _, err := n.chain.Add(b, "peer-b"); err != nil {
		t.Fatal(err)
	}
	if w := n.do("GET", "/transactions/"+beside.ID().String(), ""); w.Code != 404 || !strings.Contains(w.Body.String(), fmt.Sprintf("block 2 %s of a side branch", b.Hash())) {
		t.Errorf("a payment of a side block: %d %s", w.Code, w.Body)
	}
}

func TestPendingIsInOrderAndPaged(t *testing.T) {
	n := start(t, Config{})
	want(t, n.do("GET", "/transactions/pending", ""), 200, `{"count":0,"transactions":[]}`+"\n")
	var texts []string
	for range 5 {
		p := chaintest.Payment()
		if _, err := n.chain.Submit(p, "peer"); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(api.Append(nil, paymentInfo(p.Transaction()))))
	}
	for query, page := range map[string][]string{"": texts, "?limit=2": texts[:2], "?from=4": texts[3:], "?from=2&limit=3": texts[1:4], "?from=6": nil, "?from=99999999999999999999": nil, "?from=2&limit=99999999999999999999": texts[1:]} {
		want(t, n.do("GET", "/transactions/pending"+query, ""), 200, `{"count":5,"transactions":[`+strings.Join(page, ",")+"]}\n")
	}
}

// TestPageIsOfOneChain: a reorg while a page is sent does not mix two chains in it.
func TestPageIsOfOneChain(t *testing.T) {
	n := start(t, Config{})
	large(t, n.chain, 8)
	tip := n.chain.Tip()
	other := chaintest.New(t).Mine(12).Branch()
	reorg := sync.OnceFunc(func() {
		for _, b := range other {
			if _, err := n.chain.Add(b, "peer-b"); err != nil {
				t.Errorf("block %d: %v", b.Index(), err)
			}
		}
	})
	w := &between{ResponseRecorder: httptest.NewRecorder(), do: reorg}
	r := httptest.NewRequest("GET", "/blocks?from=1&limit=100", nil)
	r.Host = "localhost"
	n.Handler().ServeHTTP(w, r)
	v := decode(t, w.ResponseRecorder, 200)
	blocks := v["blocks"].([]any)
	if v["length"] != float64(tip.Index) || len(blocks) != int(tip.Index) || n.chain.Tip().Hash == tip.Hash {
		t.Fatalf("%d blocks, length %v, of a chain of %d", len(blocks), v["length"], tip.Index)
	}
	previous := "1"
	for i, b := range blocks {
		view := b.(map[string]any)
		if got := view["block"].(map[string]any)["previous_hash"]; got != previous || view["branch"] != "active" || view["confirmations"] != float64(len(blocks)-i) {
			t.Fatalf("block %d follows %v, expected %s: %v, %v confirmations", i+1, got, previous, view["branch"], view["confirmations"])
		}
		previous = view["hash"].(string)
	}
}

// large mines blocks that are each sent as more than half a chunk.
func large(t *testing.T, c *chain.Chain, blocks int) {
	t.Helper()
	for range blocks {
		for range 150 {
			p := chaintest.Payment().Transaction()
			p.Sender, p.Recipient = strings.Repeat("é", 120), strings.Repeat("é", 120)
			if _, err := c.Submit(chaintest.Checked(p), ""); err != nil {
				t.Fatal(err)
			}
		}
		chaintest.MineOn(t, c, 1)
	}
}

// between does something before the first byte of an answer is taken.
type between struct {
	*httptest.ResponseRecorder
	do func()
}

func (w *between) Write(p []byte) (int, error) {
	w.do()
	return w.ResponseRecorder.Write(p)
}

// TestMalformedReferencesSayTheForm: what was sent, in readable letters, and what is expected.
func TestMalformedReferencesSayTheForm(t *testing.T) {
	n := start(t, Config{})
	chinese := strings.Repeat("块", 100)
	for path, form := range map[string]string{
		"/blocks/abc": "64 lower-case hex digits", "/blocks/" + strings.Repeat("F", 64): "64 lower-case hex digits", "/blocks/1.5": "index", "/blocks/99999999999999999999": "index",
		"/blocks/" + url.PathEscape(chinese): "64 lower-case hex digits", "/transactions/abc": "32 lower-case hex digits",
		"/transactions/" + strings.Repeat("F", 32): "32 lower-case hex digits", "/transactions/" + url.PathEscape(chinese): "32 lower-case hex digits",
	} {
		w := n.do("GET", path, "")
		name, _ := url.PathUnescape(path[strings.LastIndexByte(path, '/')+1:])
		if got := w.Body.String(); w.Code != 400 || !strings.Contains(got, form) || !strings.Contains(got, canonical.Quote(name)) || strings.Contains(got, `\x`) || strings.Contains(got, "Location") {
			t.Errorf("%s: %d %s", path, w.Code, got)
		}
	}
}
