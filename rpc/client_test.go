package rpc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"kuai/chain/consensus"
	"kuai/rpc/api"
)

func TestClientReadsWhatTheServerSays(t *testing.T) {
	n := start(t, Config{Version: "1.2.3", Agent: "kuai/1.2.3"})
	n.net.peers = []Peer{{ID: "a", Connected: true, Direction: "outbound", Latency: time.Millisecond, Height: 3, Tip: consensus.Hash{1}},
		{ID: "b", LastError: "connection refused", NextDial: time.Unix(2e9, 0)}}
	url := listen(t, n.Handler())
	for _, api := range []string{url, url + "/", strings.TrimPrefix(url, "http://")} {
		info, err := NewClient(api).Node(t.Context())
		if err != nil || info.PeerID != testPeer || info.Height != 1 || info.Version != "1.2.3" || info.Network != n.chain.Rules().Network() ||
			info.Addresses[0] != n.net.Addresses()[0] || info.Peers != 1 || info.Mining.Mode != "manual" || info.Tip != n.chain.Tip().Hash.String() {
			t.Errorf("%s: %+v, %v", api, info, err)
		}
	}
	peers, err := NewClient(url).Peers(t.Context())
	if err != nil || peers.Count != 2 || peers.Peers[0].ID != "a" || *peers.Peers[0].LatencyMS != 1 || peers.Peers[1].LatencyMS != nil || peers.Peers[1].Tip != nil {
		t.Errorf("%+v, %v", peers, err)
	}
	if up, away := peers.Peers[0], peers.Peers[1]; up.LastError != "" || !up.NextDial.IsZero() ||
		away.LastError != "connection refused" || !away.NextDial.Equal(time.Unix(2e9, 0)) {
		t.Errorf("dials: %+v, %+v", up, away)
	}
}

func TestClientHealth(t *testing.T) {
	n := start(t, Config{})
	c := NewClient(listen(t, n.Handler()))
	for _, ready := range []bool{false, true} {
		if err := c.Health(t.Context(), ready); err != nil {
			t.Errorf("ready %v: %v", ready, err)
		}
	}
	n.net.status = SyncStatus{Active: true, Target: 9}
	if err := c.Health(t.Context(), false); err != nil {
		t.Error(err)
	}
	if err := c.Health(t.Context(), true); err == nil || !strings.Contains(err.Error(), "at block 1 of 9") {
		t.Errorf("%v", err)
	}
	if r, err := c.Ready(t.Context()); err != nil || r.Ready || r.Target != 9 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := NewClient(nobody(t)).Health(t.Context(), false); err == nil || !strings.Contains(err.Error(), "is it running") {
		t.Errorf("%v", err)
	}
}

func TestClientShowsProblems(t *testing.T) {
	n := start(t, Config{Token: "secret"})
	c := NewClient(listen(t, n.Handler()))
	_, err := c.Do(t.Context(), "POST", "/transactions/new", []byte(payment))
	var refused *StatusError
	if !errors.As(err, &refused) || refused.Status != 401 || !strings.Contains(err.Error(), "token") {
		t.Errorf("%v", err)
	}
	body, err := c.WithToken("secret").Do(t.Context(), "POST", "/transactions/new", []byte(payment))
	if err != nil || string(body) != `{"message":"Transaction will be added to Block 2"}`+"\n" {
		t.Errorf("%s, %v", body, err)
	}
	_, err = NewClient(listen(t, http.NotFoundHandler())).Node(t.Context())
	if !errors.As(err, &refused) || refused.Status != 404 {
		t.Errorf("%v", err)
	}
	if _, err := NewClient(listen(t, saying("hello"))).Node(t.Context()); err == nil || !strings.Contains(err.Error(), "not a kuai node") {
		t.Errorf("%v", err)
	}
}

func TestClientPaysMinesAndLooks(t *testing.T) {
	n := start(t, Config{})
	c := NewClient(listen(t, n.Handler()))
	ctx := t.Context()
	p := api.Payment{Amount: "5.0", ID: "000102030405060708090a0b0c0d0e0f", Recipient: "bob", Sender: "alice"}
	if said, err := c.Pay(ctx, p); err != nil || said != "Transaction will be added to Block 2" {
		t.Errorf("%q, %v", said, err)
	}
	if pending, err := c.Pending(ctx); err != nil || pending.Count != 1 || pending.Transactions[0] != p {
		t.Errorf("%+v, %v", pending, err)
	}
	mode, cores := "instant", 1
	if m, err := c.SetMining(ctx, api.MinerChange{Mode: &mode, Cores: &cores}); err != nil || m.Mode != mode || m.Cores != cores || m.Expected != nil {
		t.Errorf("%+v, %v", m, err)
	}
	if m, err := c.SetMining(ctx, api.MinerChange{Cores: new(int)}); err != nil || m.Mode != mode || m.Cores != 0 {
		t.Errorf("%+v, %v", m, err)
	}
	mined, err := c.Mine(ctx)
	if err != nil || mined.Index != 2 || mined.Hash != n.chain.Tip().Hash.String() || mined.Transactions != 2 {
		t.Errorf("%+v, %v", mined, err)
	}
	if b, err := c.Block(ctx, "latest"); err != nil || b.Hash != mined.Hash || b.Confirmations != 1 || b.Block.Transactions[0] != p || b.Block.Transactions[1].ID != "" {
		t.Errorf("%+v, %v", b, err)
	}
	if tx, err := c.Transaction(ctx, p.ID); err != nil || tx.Status != "mined" || tx.Block.Index != 2 || tx.Transaction != p {
		t.Errorf("%+v, %v", tx, err)
	}
	a, err := c.Address(ctx, "bob")
	if err != nil || a.Balance != "5" || a.Count != 1 || a.History[0].Block.Hash != mined.Hash || a.History[0].Transaction != p {
		t.Errorf("%+v, %v", a, err)
	}
	var refused *StatusError
	if _, err := c.Block(ctx, "../node"); !errors.As(err, &refused) || refused.Status != 400 {
		t.Errorf("a reference with a slash: %v", err)
	}
}

// TestClientAsksForAnyName: what has a meaning in a path is a name as others are.
func TestClientAsksForAnyName(t *testing.T) {
	n := start(t, Config{})
	c := NewClient(listen(t, n.Handler()))
	for _, name := range []string{".", "..", "../node", "a/b", "a?limit=x", "%2e", "块 #1"} {
		if a, err := c.Address(t.Context(), name); err != nil || a.Address != name || a.Balance != "0" || a.Count != 0 {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}

func TestClientReadsAnyEncoding(t *testing.T) {
	n := start(t, Config{})
	text := n.do("GET", "/node", "").Body.String()
	for name, answer := range map[string]string{"a mark": "\ufeff" + text, "UTF-16LE": in16(binary.LittleEndian, text), "UTF-32BE": in32(binary.BigEndian, "\ufeff"+text)} {
		if v, err := NewClient(listen(t, saying(answer))).Node(t.Context()); err != nil || v.PeerID != testPeer {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}

// TestClientRefusesHalfAnAnswer: an answer over the limit is an error, of the largest size it is whole.
func TestClientRefusesHalfAnAnswer(t *testing.T) {
	for size, whole := range map[int]bool{maxAnswer: true, maxAnswer + 1: false} {
		body, err := NewClient(listen(t, spaces(size))).Do(t.Context(), "GET", "/chain", nil)
		if (err == nil) != whole || whole && len(body) != size || !whole && !strings.Contains(err.Error(), "longer than") {
			t.Errorf("%d bytes: read %d, %v", size, len(body), err)
		}
	}
}

// spaces answers with that many bytes.
func spaces(size int) http.Handler {
	chunk := bytes.Repeat([]byte(" "), 1<<20)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for left := size; left > 0; left -= len(chunk) {
			if _, err := w.Write(chunk[:min(left, len(chunk))]); err != nil {
				return
			}
		}
	})
}
