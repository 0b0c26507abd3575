package rpc

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/rpc/api"
)

// startSecure is start on a secure network whose rewards are carol's.
func startSecure(t testing.TB, cfg Config) *node {
	n := startOn(t, cfg, chaintest.SecureRules())
	n.miner.name = chaintest.Account("carol")
	return n
}

// hex64 is a seed that no account of the tests has.
var hex64 = strings.Repeat("5a", 32)

func TestSecureExamplesAreAnsweredAsDescribed(t *testing.T) {
	n := startSecure(t, Config{Keys: newFakeKeys(), Version: "1", Agent: "kuai/1"})
	described := newContract(t)
	onClassic := []string{"submitProof", "registerNodes", "disconnectPeer", "getLab", "setSwitches", "splitNetwork", "healNetwork", "playLesson", "getMetrics", "getLogLevel", "setLogLevel", "getInvite"}
	for _, op := range api.Operations {
		if op.Streams() || slices.Contains(onClassic, op.ID) {
			continue
		}
		w := n.do(op.Method, op.Target(), op.Example.Body)
		if err := described.check(op, w.Code, w.Header().Get("Content-Type"), w.Body.Bytes()); err != nil {
			t.Errorf("%s %s: %d: %v\n%.500s", op.Method, op.Target(), w.Code, err, w.Body)
		}
		if expected := op.Answers[0].Status; w.Code != expected {
			t.Errorf("%s %s answers %d, not %d: %s", op.Method, op.Target(), w.Code, expected, w.Body)
		}
	}
}

// What only a secure network has says so on a classic one.
func TestClassicHasNoneOfIt(t *testing.T) {
	n := start(t, Config{Keys: newFakeKeys()})
	for _, op := range api.Operations {
		if op.Group != "secure" {
			continue
		}
		if w := n.do(op.Method, op.Target(), op.Example.Body); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "--network secure") {
			t.Errorf("%s %s: %d %s", op.Method, op.Target(), w.Code, w.Body)
		}
	}
}

const unsigned = `{"sender": "%s", "recipient": "%s", "amount": %s}`

func (n *node) pay(sender, recipient, amount string, header ...string) (status int, body string) {
	w := n.do("POST", "/transactions/new", fmt.Sprintf(unsigned, sender, recipient, amount), header...)
	return w.Code, w.Body.String()
}

// TestHintsLeadToThisNode: a command without -p or --api would ask another node.
func TestHintsLeadToThisNode(t *testing.T) {
	n := startSecure(t, Config{Keys: newFakeKeys()})
	alice, bob := chaintest.Account("alice"), chaintest.Account("bob")
	for host, flag := range map[string]string{
		"localhost:5000": "", "127.0.0.1:5000": "", "127.0.0.1:5300": " -p 5300", "[::1]:5300": " -p 5300", "192.0.2.7:5000": " --api 192.0.2.7:5000",
	} {
		unlock, balance := "kuai wallet unlock "+bob+flag+" and", "kuai balance "+alice+flag+" shows"
		if _, body := n.pay(bob, alice, "5", "Host: "+host); !strings.Contains(body, alice+" 5"+flag+" where") || !strings.Contains(body, unlock) {
			t.Errorf("at %s: %s, want %q", host, body, unlock)
		}
		if _, body := n.pay("alice", bob, "1001", "Host: "+host); !strings.Contains(body, balance) {
			t.Errorf("at %s: %s, want %q", host, body, balance)
		}
	}
}

// TestASignedIDInUse: only the signer can choose another id.
func TestASignedIDInUse(t *testing.T) {
	n := startSecure(t, Config{Keys: newFakeKeys()})
	first := chaintest.Unsigned("alice", "bob", 1)
	second := first
	second.Amount = "2"
	for i, tx := range []consensus.Transaction{first, second} {
		p, err := n.chain.Rules().NewPayment(chaintest.Sign(n.chain.Rules(), "alice", tx))
		if err != nil {
			t.Fatal(err)
		}
		w := n.do("POST", "/transactions/new", p.Canonical())
		if want := []int{http.StatusCreated, http.StatusConflict}[i]; w.Code != want || i == 1 && !strings.Contains(w.Body.String(), "again with another id") {
			t.Errorf("%d %s, want %d", w.Code, w.Body, want)
		}
	}
}

// TestAnAddressToLookAtIsRefusedAsThat: nothing was sent that could be sent again.
func TestAnAddressToLookAtIsRefusedAsThat(t *testing.T) {
	n := startSecure(t, Config{Keys: newFakeKeys()})
	want(t, n.do("GET", "/addresses/zed", ""), http.StatusBadRequest,
		"This is not an address: address \"zed\" has 3 characters, want the 52 of an Ed25519 peer id. Check its spelling.\n")
}

// TestOverdraftsAreRefused: the answer says what the sender has, less what is pending, and where to look.
func TestOverdraftsAreRefused(t *testing.T) {
	n := startSecure(t, Config{Keys: newFakeKeys()})
	alice := chaintest.Account("alice")
	if code, body := n.pay("alice", "bob", "700"); code != http.StatusCreated {
		t.Fatalf("%d %s", code, body)
	}
	account := func() (a api.Account) {
		t.Helper()
		if err := json.Unmarshal(n.do("GET", "/addresses/alice", "").Body.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := account(); a.Address != alice || a.Balance != "1000" || a.Spendable != "300" {
		t.Errorf("alice has %+v", a)
	}
	code, body := n.pay("alice", "bob", "301")
	if code != http.StatusBadRequest || !strings.Contains(body, "300") || !strings.Contains(body, "kuai balance "+alice) {
		t.Errorf("%d %s", code, body)
	}
	if code, body := n.pay("alice", "bob", "300"); code != http.StatusCreated {
		t.Errorf("%d %s", code, body)
	}
	chaintest.MineOn(t, n.chain, 1)
	if a := account(); a.Balance != "0" || a.Spendable != "0" {
		t.Errorf("alice has %+v", a)
	}
}

// TestLightClientsSeeTheWholeChain: the headers and the proofs lead to the roots that the blocks' proofs have.
func TestLightClientsSeeTheWholeChain(t *testing.T) {
	n := startSecure(t, Config{Keys: newFakeKeys()})
	var ids []string
	for i := range 7 {
		for range i {
			p := chaintest.Pay(n.chain.Rules(), "alice", "bob", 1)
			ids = append(ids, p.ID().String())
			if _, err := n.chain.Submit(p, ""); err != nil {
				t.Fatal(err)
			}
		}
		chaintest.MineOn(t, n.chain, 1)
	}
	roots := map[int64]string{}
	for from := 2; from <= 8; from += 3 {
		var page api.Headers
		w := n.do("GET", fmt.Sprintf("/headers?from=%d&limit=3", from), "")
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || page.Length != 8 {
			t.Fatalf("%s: %v", w.Body, err)
		}
		for _, h := range page.Headers {
			sealed := fmt.Appendf(nil, `{"index": %d, "previous_hash": "%s", "timestamp": %s}`, h.Index, h.PreviousHash, h.Timestamp)
			roots[h.Index] = rootOfPath(t, sealed, 0, h.Leaves, h.Path)
			if !strings.HasPrefix(h.Proof.String(), roots[h.Index]+".") {
				t.Errorf("header %d leads to %s, its proof is %s", h.Index, roots[h.Index], h.Proof)
			}
		}
	}
	if len(roots) != 7 {
		t.Errorf("headers of %d blocks, want 7", len(roots))
	}
	for _, id := range ids {
		var p api.TransactionProof
		w := n.do("GET", "/transactions/"+id+"/proof", "")
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Transaction.ID != id {
			t.Fatalf("%s: %v", w.Body, err)
		}
		tx := p.Transaction
		leaf := fmt.Appendf(nil, `{"amount": %s, "id": "%s", "recipient": "%s", "sender": "%s", "signature": "%s"}`, tx.Amount, tx.ID, tx.Recipient, tx.Sender, tx.Signature)
		if got := rootOfPath(t, leaf, p.Leaf, p.Leaves, p.Path); got != roots[p.Block.Index] || p.Confirmations != 9-p.Block.Index {
			t.Errorf("payment %s leads to %s, with %d confirmations", id, got, p.Confirmations)
		}
	}
	pending := chaintest.Pay(n.chain.Rules(), "alice", "bob", 1)
	if _, err := n.chain.Submit(pending, ""); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/transactions/" + pending.ID().String() + "/proof": 404, "/transactions/" + hex64[:32] + "/proof": 404, "/transactions/x/proof": 400, "/transactions//proof": 400,
		"/transactions/x/y/proof": 404, "/proof": 404, "/blocks/2/proof": 404, "/headers?from=99": 200} {
		if w := n.do("GET", path, ""); w.Code != want {
			t.Errorf("%s: %d %s, want %d", path, w.Code, w.Body, want)
		}
	}
}

func rootOfPath(t *testing.T, leaf []byte, i, n int, texts []string) string {
	t.Helper()
	var path []consensus.Hash
	for _, text := range texts {
		h, err := consensus.ParseHash(text)
		if err != nil {
			t.Fatal(err)
		}
		path = append(path, h)
	}
	root, ok := consensus.RootOfPath(consensus.LeafHash(leaf), i, n, path)
	if !ok {
		t.Errorf("a path of %d hashes from leaf %d of %d", len(path), i, n)
	}
	return root.String()
}

// TestWorkOnASecureNetwork: what a miner elsewhere gets has all that it needs.
func TestWorkOnASecureNetwork(t *testing.T) {
	n := startSecure(t, Config{})
	var work api.Work
	if err := json.Unmarshal(n.do("GET", "/mining/work", "").Body.Bytes(), &work); err != nil {
		t.Fatal(err)
	}
	if rules, tip := n.chain.Rules(), n.chain.Tip(); work.Target != rules.TargetAfter(tip).String() || !strings.HasSuffix(work.Text.Before, work.Root+".") || work.Text.After != tip.Hash.String() || work.Parent.Proof != "100" {
		t.Errorf("%+v", work)
	}
	for _, proof := range []string{`7`, `"7"`, `"` + work.Root + `"`, `"` + work.Root + `.07"`} {
		if w := n.do("POST", "/mining/submit", fmt.Sprintf(`{"parent": "%s", "proof": %s}`, work.Parent.Hash, proof)); w.Code != http.StatusBadRequest {
			t.Errorf("proof %s: %d %s", proof, w.Code, w.Body)
		}
	}
}

// TestNodeTellsProfileTargetAndPace.
func TestNodeTellsProfileTargetAndPace(t *testing.T) {
	n := startSecure(t, Config{})
	node := func() (v api.Node) {
		t.Helper()
		if err := json.Unmarshal(n.do("GET", "/node", "").Body.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := node(); v.Profile != "secure" || v.Target != n.chain.Rules().TargetAfter(n.chain.Tip()).String() || v.Pace == nil || v.Pace.BlockSeconds != 10 || v.Pace.Recent != nil || v.Pace.Tries < 1 {
		t.Errorf("%+v %+v", v, v.Pace)
	}
	for range 30 {
		tip := n.chain.Tip()
		if _, err := n.chain.Add(chaintest.BlockAt(t, n.chain.Rules(), tip, tip.Timestamp+7, "carol"), "peer"); err != nil {
			t.Fatal(err)
		}
	}
	if v := node(); v.Pace.Recent == nil || *v.Pace.Recent != 7 {
		t.Errorf("%+v", v.Pace)
	}
	classic := start(t, Config{})
	if got := classic.do("GET", "/node", "").Body.String(); !strings.Contains(got, `"profile":"classic"`) || strings.Contains(got, `"pace"`) {
		t.Error(got)
	}
}

// TestThePageWithoutScriptsKnowsTheProfile: what it says of signatures is true of the network.
func TestThePageWithoutScriptsKnowsTheProfile(t *testing.T) {
	const secure, classic = `data-t="pay.hint.secure"`, `data-t="pay.hint"`
	page := startSecure(t, Config{}).do("GET", "/", "").Body.String()
	if !strings.Contains(page, secure) || strings.Contains(page, classic) {
		t.Error("the page of a secure network says that nothing is signed")
	}
	if card := blockCard(consensus.Dev().Genesis); card.Miner != "" || card.Payments != 0 {
		t.Errorf("the first block has the miner %q and %d payments", card.Miner, card.Payments)
	}
}
