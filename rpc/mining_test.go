package rpc

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
)

func TestMiningSaysWhatTheMinerIsAt(t *testing.T) {
	n := start(t, Config{})
	want(t, n.do("GET", "/mining", ""), 200,
		`{"blocks":0,"callers":0,"cores":2,"expected":null,"kernel":"sha","mode":"manual","rate":0.0,"searching":false,"share":100,"stale":0,"total":0,"tries":0}`+"\n")
	n.miner.set(func(s *MinerStatus) {
		*s = MinerStatus{Mode: "interval=5s", Cores: 1, Share: 25, Kernel: "sha", Searching: true, Callers: 3, Tries: 4000, Total: 9000, Blocks: 7, Stale: 2, Rate: 1e6, Expected: 1500 * time.Millisecond}
	})
	want(t, n.do("GET", "/mining", ""), 200,
		`{"blocks":7,"callers":3,"cores":1,"expected":1.5,"kernel":"sha","mode":"interval=5s","rate":1000000.0,"searching":true,"share":25,"stale":2,"total":9000,"tries":4000}`+"\n")
}

func TestMiningIsSwitchedAtRunTime(t *testing.T) {
	n := start(t, Config{})
	for _, c := range []struct {
		body, mode string
		cores      float64
		share      float64
	}{
		{`{"mode":"instant"}`, "instant", 2, 100},
		{`{"cores":1}`, "instant", 1, 100},
		{`{"share":25}`, "instant", 1, 25},
		{`{"mode":"manual","cores":0,"share":1}`, "manual", 0, 1},
	} {
		v := decode(t, n.do("POST", "/mining", c.body), 200)
		if v["mode"] != c.mode || v["cores"] != c.cores || v["share"] != c.share {
			t.Errorf("%s: %v", c.body, v)
		}
	}
}

func TestMiningRefusesWhatIsNoMode(t *testing.T) {
	n := start(t, Config{})
	for body, says := range map[string]string{
		`{}`: `neither "mode" nor "cores" nor "share"`, `[]`: `neither "mode" nor "cores"`, `{`: "curl -X POST",
		`{"mode":"always","cores":1}`: "want manual", `{"mode":5}`: "want manual",
		`{"mode":"instant","cores":-1}`: "0 to 1024", `{"mode":"instant","cores":1025}`: "0 to 1024", `{"cores":"1"}`: "0 to 1024", `{"cores":null}`: "0 to 1024", `{"cores":1.5}`: "0 to 1024",
		`{"mode":"instant","share":0}`: "1 to 100", `{"cores":1,"share":101}`: "1 to 100", `{"share":"50"}`: "1 to 100",
	} {
		if w := n.do("POST", "/mining", body); w.Code != 400 || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
		if s := n.miner.Status(); s.Mode != "manual" || s.Cores != 2 || s.Share != 100 {
			t.Fatalf("%s was refused and changed %+v", body, s)
		}
	}
}

func TestMiningIsGuarded(t *testing.T) {
	n := start(t, Config{Token: "secret"})
	for path, body := range map[string]string{"/mining": `{"mode":"instant"}`, "/mining/submit": `{}`} {
		if w := n.do("POST", path, body); w.Code != 401 {
			t.Errorf("%s without the token: %d", path, w.Code)
		}
		if w := n.do("POST", path, body, "Authorization: Bearer secret", "Origin: http://evil.example"); w.Code != 403 {
			t.Errorf("%s from another site: %d", path, w.Code)
		}
	}
}

// solve searches as a program that knows the answer of GET /mining/work alone.
func solve(work map[string]any) (proof int64) {
	text := work["text"].(map[string]any)
	zeros := strings.Repeat("0", int(work["zeros"].(float64)))
	for ; ; proof++ {
		sum := sha256.Sum256([]byte(text["before"].(string) + strconv.FormatInt(proof, 10) + text["after"].(string)))
		if strings.HasPrefix(fmt.Sprintf("%x", sum), zeros) {
			return proof
		}
	}
}

func TestWorkIsAllThatAMinerNeeds(t *testing.T) {
	n := start(t, Config{})
	empty := decode(t, n.do("GET", "/mining/work", ""), 200)
	n.do("POST", "/transactions/new", `{"sender":"alice","recipient":"bob","amount":5.0,"id":"000102030405060708090a0b0c0d0e0f"}`)
	genesis := n.chain.Tip()
	w := n.do("GET", "/mining/work", "")
	work := decode(t, w, 200)
	want(t, w, 200, fmt.Sprintf(`{"id":"%s","index":2,"parent":{"hash":"%s","index":1,"proof":%d},"target":"0fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff","text":{"after":"%s","before":"%d"},"transactions":[`+
		`{"amount":5.0,"id":"000102030405060708090a0b0c0d0e0f","recipient":"bob","sender":"alice"},{"amount":1,"recipient":"%s","sender":"0"}],"zeros":%d}`+"\n",
		work["id"], genesis.Hash, genesis.Proof, genesis.Hash, genesis.Proof, testPeer, n.chain.Rules().Zeros))
	if again := decode(t, n.do("GET", "/mining/work", ""), 200); work["id"] == empty["id"] || work["id"] != again["id"] {
		t.Errorf("ids %v without, %v and %v with a payment", empty["id"], work["id"], again["id"])
	}

	w = n.do("POST", "/mining/submit", fmt.Sprintf(`{"parent":"%s","proof":%d}`, genesis.Hash, solve(work)))
	tip := n.chain.Tip()
	if tip.Index != 2 || w.Header().Get("Location") != "/blocks/"+tip.Hash.String() {
		t.Errorf("tip %d, Location %q", tip.Index, w.Header().Get("Location"))
	}
	want(t, w, 201, n.do("GET", "/blocks/latest", "").Body.String())
	if got := len(decode(t, w, 201)["block"].(map[string]any)["transactions"].([]any)); got != 2 {
		t.Errorf("%d transactions in the block", got)
	}
}

func TestSubmitRefuses(t *testing.T) {
	n := start(t, Config{})
	genesis := n.chain.Tip()
	proof := chaintest.Proof(n.chain.Rules(), genesis)
	wrong := proof + 1
	for n.chain.Rules().ValidProof(genesis.Proof, wrong, genesis.Hash) {
		wrong++
	}
	for _, c := range []struct {
		name, body string
		status     int
		says       string
	}{
		{"wrong proof", fmt.Sprintf(`{"parent":"%s","proof":%d}`, genesis.Hash, wrong), 400, `rule "proof"`},
		{"other parent", fmt.Sprintf(`{"parent":"%s","proof":%d}`, consensus.Hash{1}, proof), 409, "GET /mining/work"},
		{"no parent", `{"proof":1}`, 400, "Missing values"},
		{"no proof", fmt.Sprintf(`{"parent":"%s"}`, genesis.Hash), 400, "Missing values"},
		{"no object", `[1]`, 400, "Missing values"},
		{"no JSON", `proof=1`, 400, "curl -X POST"},
		{"no hash", `{"parent":"abc","proof":1}`, 400, "64 lower-case"},
		{"negative", fmt.Sprintf(`{"parent":"%s","proof":-1}`, genesis.Hash), 400, "below 2^53"},
		{"too large", fmt.Sprintf(`{"parent":"%s","proof":9007199254740992}`, genesis.Hash), 400, "below 2^53"},
		{"text", fmt.Sprintf(`{"parent":"%s","proof":"%d"}`, genesis.Hash, proof), 400, "below 2^53"},
	} {
		if w := n.do("POST", "/mining/submit", c.body); w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
	}
	if n.chain.Tip() != genesis {
		t.Error("a refused proof made a block")
	}
	body := fmt.Sprintf(`{"parent":"%s","proof":%d}`, genesis.Hash, proof)
	if w := n.do("POST", "/mining/submit", body); w.Code != 201 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := n.do("POST", "/mining/submit", body); w.Code != 409 {
		t.Errorf("the same again: %d %s", w.Code, w.Body)
	}
}

func TestEventsShowProgress(t *testing.T) {
	n := start(t, Config{})
	n.miner.set(func(s *MinerStatus) {
		s.Searching, s.Tries, s.Rate, s.Expected = true, 5000, 2000, 30*time.Second
	})
	got := listenTo(t, listen(t, n.Handler()), "").next("mining")
	if got.data != `{"expected":30.0,"mode":"manual","rate":2000.0,"searching":true,"tries":5000}` {
		t.Errorf("%+v", got)
	}
}
