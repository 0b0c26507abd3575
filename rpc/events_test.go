package rpc

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/rpc/api"
)

// sse reads one event stream.
type sse struct {
	t    *testing.T
	body *bufio.Scanner
}

type message struct{ name, id, data string }

func listenTo(t *testing.T, url, last string) *sse {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if got := res.Header.Get("Content-Type"); res.StatusCode != 200 || got != "text/event-stream" {
		t.Fatalf("%d, Content-Type %q", res.StatusCode, got)
	}
	return &sse{t, bufio.NewScanner(res.Body)}
}

// next returns the next event of one of these names.
func (s *sse) next(names ...string) message {
	s.t.Helper()
	var m message
	for s.body.Scan() {
		key, value, _ := strings.Cut(s.body.Text(), ": ")
		switch key {
		case "event":
			m.name = value
		case "id":
			m.id = value
		case "data":
			m.data = value
		case "":
			for _, name := range names {
				if m.name == name {
					return m
				}
			}
			m = message{}
		}
	}
	s.t.Fatalf("the stream ended without %q: %v", names, s.body.Err())
	return m
}

func TestEventsTellWhatHappens(t *testing.T) {
	n := start(t, Config{})
	n.net.peers = []Peer{{ID: "a", Connected: true, Name: "lab-pc-7"}, {ID: "b"}}
	s := listenTo(t, listen(t, n.Handler()), "")
	if got := s.next("peer"); got.data != `{"connected":1,"names":["lab-pc-7"],"peers":["a"]}` || got.id != "" {
		t.Errorf("%+v", got)
	}
	if got := s.next("mining"); got.data != `{"mode":"manual","searching":false}` {
		t.Errorf("%+v", got)
	}
	p := chaintest.Payment()
	if _, err := n.chain.Submit(p, "peer-x"); err != nil {
		t.Fatal(err)
	}
	if got := s.next("transaction"); got.data != fmt.Sprintf(`{"from":"peer-x","transaction":%s}`, api.Append(nil, paymentInfo(p.Transaction()))) || got.id != n.boot+"-1" {
		t.Errorf("%+v", got)
	}
	genesis := n.chain.Rules().Genesis.Header()
	a := chaintest.MineOn(t, n.chain, 1)[0]
	expected := fmt.Sprintf(`{"from":"","hash":"%s","index":2,"previous_hash":"%s","timestamp":%s,"transactions":2,"unpaid":0}`, a.Hash(), genesis.Hash, api.Append(nil, a.Header().Timestamp))
	if got := s.next("block"); got.data != expected || got.id != n.boot+"-2" {
		t.Errorf("%+v\nexpected %s", got, expected)
	}
	b := chaintest.Block(t, n.chain.Rules(), genesis, "other")
	c := chaintest.Block(t, n.chain.Rules(), b.Header(), "other")
	for _, block := range []*consensus.Block{b, c} {
		if _, err := n.chain.Add(block, "peer-y"); err != nil {
			t.Fatal(err)
		}
	}
	got := s.next("reorg", "block")
	for _, part := range []string{`"dropped":1`, `"returned":1`, `"from":"peer-y"`, fmt.Sprintf(`"old":{"hash":"%s","index":2}`, a.Hash()), fmt.Sprintf(`"hash":"%s"`, c.Hash())} {
		if got.name != "reorg" || !strings.Contains(got.data, part) {
			t.Errorf("%+v lacks %s", got, part)
		}
	}
}

func TestEventsResume(t *testing.T) {
	n := start(t, Config{})
	url := listen(t, n.Handler())
	chaintest.MineOn(t, n.chain, 5)
	s := listenTo(t, url, n.boot+"-3")
	for seq := 4; seq <= 5; seq++ {
		if got := s.next("block", "reset"); got.id != fmt.Sprintf("%s-%d", n.boot, seq) || !strings.Contains(got.data, fmt.Sprintf(`"index":%d`, seq+1)) {
			t.Errorf("event %d is %+v", seq, got)
		}
	}
	for _, stale := range []string{"other-3", n.boot + "-99", n.boot, "3", n.boot + "-x"} {
		if got := listenTo(t, url, stale).next("block", "reset"); got.name != "reset" {
			t.Errorf("Last-Event-ID %s: %+v", stale, got)
		}
	}
	chaintest.MineOn(t, n.chain, maxResume)
	if got := listenTo(t, url, n.boot+"-4").next("block", "reset"); got.name != "reset" {
		t.Errorf("too far back: %+v", got)
	}
}

func TestEventStreamsAreBounded(t *testing.T) {
	n := start(t, Config{})
	for range maxStreams {
		n.streams <- struct{}{}
	}
	if w := n.do("GET", "/events", ""); w.Code != 503 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "128 event streams are open") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	<-n.streams
	w := n.do("HEAD", "/events", "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/event-stream" || len(n.streams) != maxStreams-1 {
		t.Errorf("HEAD: %d %v", w.Code, w.Header())
	}
}

// TestEventsTellWhatPeersLeft: a branch that lost, as a peer told of it.
func TestEventsTellWhatPeersLeft(t *testing.T) {
	n := start(t, Config{})
	tip := n.chain.Tip().Hash
	n.net.peers = []Peer{{ID: "a", Connected: true, LeftHeight: 3, LeftTip: tip, LeftFork: 1, LeftAt: time.Unix(1e9, 0)}, {ID: "b", Connected: true}}
	got := listenTo(t, listen(t, n.Handler()), "").next("peer")
	want := fmt.Sprintf(`{"connected":2,"left":[{"at":"2001-09-09T01:46:40Z","fork":1,"height":3,"peer":"a","tip":"%s"}],"names":["",""],"peers":["a","b"]}`, tip)
	if got.data != want {
		t.Errorf("%s, want %s", got.data, want)
	}
}

// TestEventsTellWhatIsUnpaid: the event of a block lists the payments that it makes impossible, and why.
func TestEventsTellWhatIsUnpaid(t *testing.T) {
	n := startSecure(t, Config{})
	r := n.chain.Rules()
	s := listenTo(t, listen(t, n.Handler()), "")
	poor, twice := chaintest.Pay(r, "alice", "bob", 600), chaintest.Pay(r, "carol", "bob", 5)
	for _, p := range []consensus.Payment{poor, twice} {
		if _, err := n.chain.Submit(p, ""); err != nil {
			t.Fatal(err)
		}
	}
	other := twice.Transaction()
	other.Amount = "6"
	block := chaintest.Block(t, r, n.chain.Tip(), "miner", chaintest.Signed(r, "alice", "gina", 500), chaintest.Sign(r, "carol", other))
	if _, err := n.chain.Add(block, "peer"); err != nil {
		t.Fatal(err)
	}
	got, bob := s.next("block"), chaintest.Account("bob")
	for _, want := range []string{
		`"unpaid":2,"unpaid_payments":[`,
		fmt.Sprintf(`{"amount":600,"id":"%s","reason":"funds","recipient":"%s","sender":"%s"}`, poor.ID(), bob, chaintest.Account("alice")),
		fmt.Sprintf(`{"amount":5,"id":"%s","reason":"conflict","recipient":"%s","sender":"%s"}`, twice.ID(), bob, chaintest.Account("carol")),
	} {
		if !strings.Contains(got.data, want) {
			t.Errorf("%s lacks %s", got.data, want)
		}
	}
}

// TestEventsTellWhatExpired: payments that nobody mined for a day have an event of their own.
func TestEventsTellWhatExpired(t *testing.T) {
	p := chaintest.Payment()
	name, data := eventOf(chain.Event{Kind: chain.EventExpired, Unpaid: chain.Unpaid{Count: 2, First: []chain.UnpaidPayment{{Payment: p, Reason: chain.UnpaidExpired}}}}, nil)
	tx := p.Transaction()
	want := fmt.Sprintf(`{"unpaid":2,"unpaid_payments":[{"amount":%s,"id":"%s","reason":"expired","recipient":"%s","sender":"%s"}]}`, tx.Amount, tx.ID, tx.Recipient, tx.Sender)
	if got := string(api.Append(nil, data)); name != "unpaid" || got != want {
		t.Errorf("%s %s, want %s", name, got, want)
	}
}
