package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"kuai/rpc/api"
)

// TestWatchGoesOnAfterALostConnection names the last event that it has seen, and prints each once.
func TestWatchGoesOnAfterALostConnection(t *testing.T) {
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Last-Event-ID"))
		n := len(asked)
		fmt.Fprintf(w, ": a comment\nretry: 2000\n\nevent: block\nid: boot-%d\ndata: {\"from\":\"\",\"hash\":\"ab\",\"index\":%d,\"transactions\":1}\n\n", n, n+1)
	}))
	defer srv.Close()
	code, out, errOut := kuai(nil, "watch", "--count", "3", "--api", srv.URL)
	if code != exitOK || strings.Join(asked, ",") != ",boot-1,boot-2" {
		t.Errorf("exit code %d, asked from %q", code, asked)
	}
	for _, line := range []string{"block 2  ab, 1 transaction, from this node", "block 3  ab", "block 4  ab"} {
		if strings.Count(out, line) != 1 {
			t.Errorf("nothing about %q in\n%s", line, out)
		}
	}
	if !strings.Contains(errOut, "was lost; trying again") || !strings.Contains(errOut, "connected again to "+srv.URL) {
		t.Errorf("it says %s", errOut)
	}
	srv.Close()
	says(t, exitFailure, "no node answers", "watch", "--api", srv.URL)
}

func TestWatchAsJSON(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "event: peer\ndata: {\"connected\":0,\"peers\":[]}\n\n")
	}))
	defer srv.Close()
	if out := says(t, exitOK, "", "watch", "--count", "1", "--json", "--api", srv.URL); out != `{"event":"peer","data":{"connected":0,"peers":[]}}`+"\n" {
		t.Errorf("%s", out)
	}
}

func TestEventsInWords(t *testing.T) {
	told := newTeller(nil, language{}, false)
	for _, c := range []struct{ name, data, want string }{
		{"peer", `{"peers":["a","b"]}`, "2 peers connected"},
		{"peer", `{"peers":["b","c"]}`, "peer c is connected; peer a is not connected any more"},
		{"peer", `{"names":["","lab-pc-7"],"peers":["b","d"]}`, `peer d "lab-pc-7" is connected; peer c is not connected any more`},
		{"peer", `{"names":["爱丽丝"],"peers":["b"]}`, `peer b calls itself "爱丽丝"; peer d "lab-pc-7" is not connected any more`},
		{"mining", `{"mode":"manual","searching":false}`, ""},
		{"mining", `{"mode":"manual","searching":true}`, "mining   a search for a block has begun (mode manual)"},
		{"mining", `{"mode":"manual","searching":true,"tries":5}`, ""},
		{"mining", `{"mode":"manual","searching":false}`, "mining   the search has ended"},
		{"transaction", `{"from":"x","transaction":{"amount":5.0,"id":"i","recipient":"b\u001b[2J","sender":"a"}}`, `payment i  5.0 from a to "b\x1b[2J", from x`},
		{"reset", `{}`, "events were missed: the node was restarted, or there were too many. 'kuai status' shows the present state"},
		{"peer", `{"left":[{"fork":3,"height":5,"peer":"b","tip":"ab"}],"names":["爱丽丝"],"peers":["b"]}`, `left     peer b "爱丽丝" left a branch from block 4 on, up to block 5 ab, for the chain of this node`},
		{"peer", `{"left":[{"fork":3,"height":5,"peer":"b","tip":"ab"}],"names":["爱丽丝"],"peers":["b"]}`, ""},
		{"peer", `{"left":[{"height":7,"peer":"b","tip":"cd"}],"names":["爱丽丝"],"peers":["b"]}`, `left     peer b "爱丽丝" left a branch up to block 7 cd for the chain of this node`},
		{"unpaid", `{"unpaid":2,"unpaid_payments":[{"amount":5,"id":"x","reason":"expired","recipient":"b","sender":"a"}]}`,
			"unpaid   payment x  5 from a to b was dropped: no block took it within a day; unpaid   payments that were dropped, beside these: 1"},
		{"other", `{}`, ""},
	} {
		lines, err := told.words(event{Name: c.name, Data: []byte(c.data)})
		if got := strings.Join(lines, "; "); err != nil || got != c.want {
			t.Errorf("%s %s: %q, %v, want %q", c.name, c.data, got, err, c.want)
		}
	}
}

// TestEveryEventHasALine: each kind that GET /events sends changes what 'kuai watch' prints, in both languages.
func TestEveryEventHasALine(t *testing.T) {
	for _, c := range []struct {
		before, after string // the data of two events
		name          string
	}{
		{`{}`, `{"index":2}`, "block"}, {`{}`, `{"index":2,"old":{"index":1}}`, "reorg"}, {`{}`, `{}`, "transaction"},
		{`{}`, `{"unpaid":1,"unpaid_payments":[{"reason":"expired"}]}`, "unpaid"},
		{`{}`, `{"peers":["a"],"left":[{"peer":"a","height":2,"tip":"ab"}]}`, "peer"}, {`{}`, `{"searching":true}`, "mining"}, {`{}`, `{}`, "reset"},
	} {
		var said [2]string
		for i, zh := range []bool{false, true} {
			told := newTeller(nil, language{zh}, false)
			_, err := told.words(event{Name: c.name, Data: []byte(c.before)})
			lines, then := told.words(event{Name: c.name, Data: []byte(c.after)})
			if err != nil || then != nil || len(lines) == 0 {
				t.Errorf("%s: %q, %v, %v", c.name, lines, err, then)
			}
			said[i] = strings.Join(lines, "\n")
		}
		if said[0] == said[1] {
			t.Errorf("%s is in Chinese %s", c.name, said[1])
		}
	}
}

func TestReorgText(t *testing.T) {
	b := api.ReorgEvent{Hash: "new", Index: 9, Dropped: 2, Old: api.BlockRef{Hash: "old", Index: 7}, From: "x"}
	for returned, says := range map[int]string{0: "no payments are pending again", 1: "1 payment is pending again", 2: "2 payments are pending again"} {
		b.Returned = returned
		want := "reorg    another branch, from block 6 on, replaced 2 blocks: the tip was block 7 old and is now block 9 new, from x; " + says
		if got := reorgText(language{}, b); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestUnpaidLines(t *testing.T) {
	told := newTeller(nil, language{}, false)
	for _, kind := range []string{"block", "reorg"} {
		lines, err := told.words(event{Name: kind, Data: []byte(`{"index":9,"unpaid":103,"unpaid_payments":[
			{"amount":5,"id":"x","reason":"funds","recipient":"b","sender":"a"},{"amount":7,"id":"y","reason":"conflict","recipient":"b","sender":"a"},
			{"amount":8,"id":"z","reason":"room","recipient":"b","sender":"a"}]}`)})
		want := []string{
			"unpaid   payment x  5 from a to b can no longer be paid: its sender has too little since block 9",
			"unpaid   payment y  7 from a to b can no longer be paid: another payment with its id was mined, up to block 9",
			"unpaid   payment z  8 from a to b was dropped: its block left the chain, and too many payments wait",
			"unpaid   payments that were dropped, beside these: 100",
		}
		if err != nil || len(lines) != 5 || !slices.Equal(lines[1:], want) {
			t.Errorf("%s: %q, %v, want a line and %q", kind, lines, err, want)
		}
		for _, line := range unpaidLines(language{zh: true}, 9, 5, []api.UnpaidPayment{{ID: "x", Reason: "funds"}, {ID: "y", Reason: "conflict"}, {Reason: "room"}, {Reason: "expired"}}) {
			if !strings.Contains(line, "无法支付") && !strings.Contains(line, "被丢弃") {
				t.Errorf("in Chinese: %s", line)
			}
		}
	}
}

func TestResolvedMessage(t *testing.T) {
	for text, want := range map[string]string{
		`{"message":"Our chain was replaced","new_chain":[`: "Our chain was replaced",
		`{"chain":[{"index":1`:                              "Our chain is authoritative",
		`[]`:                                                "",
		`{"error":1}`:                                       "",
		``:                                                  "",
	} {
		if got, err := resolvedMessage(strings.NewReader(text)); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}
