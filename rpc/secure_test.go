package rpc

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/chain/wallet"
	"kuai/rpc/api"
)

// fakeKeys are the development accounts of alice and bob, and what is unlocked.
type fakeKeys struct {
	mu   sync.Mutex
	keys map[string]wallet.Key
	full bool
}

func newFakeKeys() *fakeKeys { return &fakeKeys{keys: map[string]wallet.Key{}} }

func (k *fakeKeys) Named(name string) (string, bool) {
	if name != "alice" && name != "bob" {
		return "", false
	}
	return chaintest.Account(name), true
}

func (k *fakeKeys) Sign(network string, t consensus.Transaction) (consensus.Transaction, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, ok := k.keys[t.Sender]
	if t.Sender == chaintest.Account("alice") {
		key, ok = wallet.DevelopmentKey("alice"), true
	}
	if !ok {
		return t, false
	}
	return key.Sign(network, t), true
}

func (k *fakeKeys) Unlock(seed [SeedBytes]byte, _ time.Time) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.full {
		return "", fmt.Errorf("64 keys: %w", ErrKeysFull)
	}
	key := wallet.NewKey(seed)
	k.keys[key.Address().String()] = key
	return key.Address().String(), nil
}

func (k *fakeKeys) Lock(address string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.keys[address]
	delete(k.keys, address)
	return ok
}

func (k *fakeKeys) Unlocked() []UnlockedKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := []UnlockedKey{{Address: chaintest.Account("alice"), Name: "alice"}}
	for a := range k.keys {
		all = append(all, UnlockedKey{Address: a, Until: time.Unix(2e9, 0)})
	}
	return all
}

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

// TestTheNodeSignsForUnlockedAccounts, and for no others; the answer says how to sign.
func TestTheNodeSignsForUnlockedAccounts(t *testing.T) {
	n := startSecure(t, Config{Keys: newFakeKeys()})
	alice, bob := chaintest.Account("alice"), chaintest.Account("bob")
	for _, sender := range []string{alice, "alice"} {
		if code, body := n.pay(sender, "bob", "5"); code != http.StatusCreated {
			t.Errorf("%s pays: %d %s", sender, code, body)
		}
	}
	code, body := n.pay(bob, alice, "5")
	if want := "kuai send " + bob + " " + alice + " 5"; code != http.StatusBadRequest || !strings.Contains(body, want) || !strings.Contains(body, "kuai wallet unlock "+bob) {
		t.Errorf("bob, who is locked, pays: %d %s, want %s", code, body, want)
	}
	seed := wallet.DevelopmentKey("bob").Seed()
	if w := n.do("POST", "/wallets/unlock", fmt.Sprintf(`{"seed": "%x"}`, seed)); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), bob) {
		t.Fatalf("unlock: %d %s", w.Code, w.Body)
	}
	if code, body := n.pay(bob, alice, "5"); code != http.StatusCreated {
		t.Errorf("bob, who is unlocked, pays: %d %s", code, body)
	}
	if w := n.do("GET", "/wallets", ""); !strings.Contains(w.Body.String(), `"address":"`+bob+`","until":"2033`) || strings.Contains(w.Body.String(), fmt.Sprintf("%x", seed)) {
		t.Errorf("wallets: %s", w.Body)
	}
	if w := n.do("DELETE", "/wallets/"+bob, ""); w.Code != http.StatusNoContent {
		t.Errorf("lock: %d %s", w.Code, w.Body)
	}
	if w := n.do("DELETE", "/wallets/"+bob, ""); w.Code != http.StatusNotFound {
		t.Errorf("lock again: %d %s", w.Code, w.Body)
	}
	if w := n.do("DELETE", "/wallets/"+alice, ""); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "password.txt") {
		t.Errorf("lock a key that stays unlocked: %d %s", w.Code, w.Body)
	}
	if code, _ := n.pay(bob, alice, "5"); code != http.StatusBadRequest {
		t.Errorf("bob, who is locked again, pays: %d", code)
	}
	for _, p := range n.chain.Pending() {
		if err := p.Transaction().CheckSignature(n.chain.Rules().Network()); err != nil {
			t.Errorf("a payment of the pool: %v", err)
		}
	}
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

// TestKeysAreForThisMachineOrTheToken: others may only send what they have signed themselves, and need no token for it.
func TestKeysAreForThisMachineOrTheToken(t *testing.T) {
	const elsewhere, token = "192.0.2.7:40000", "Authorization: Bearer secret"
	open, closed := startSecure(t, Config{Keys: newFakeKeys()}), startSecure(t, Config{Keys: newFakeKeys(), Token: "secret"})
	signed := func(n *node) string {
		return chaintest.Pay(n.chain.Rules(), "alice", "bob", 1).Canonical()
	}
	pay := fmt.Sprintf(unsigned, "alice", "bob", "5")
	for _, c := range []struct {
		name               string
		node               *node
		from, method, path string
		body, header       string
		status             int
	}{
		{"unsigned, from here", open, "", "POST", "/transactions/new", pay, "X: x", 201},
		{"unsigned, from elsewhere", open, elsewhere, "POST", "/transactions/new", pay, "X: x", 403},
		{"unsigned, a token is set", closed, "", "POST", "/transactions/new", pay, "X: x", 403},
		{"unsigned, with the token", closed, elsewhere, "POST", "/transactions/new", pay, token, 201},
		{"signed, from elsewhere", open, elsewhere, "POST", "/transactions/new", signed(open), "X: x", 201},
		{"signed, a token is set", closed, elsewhere, "POST", "/transactions/new", signed(closed), "X: x", 201},
		{"signed, by a page of another site", closed, elsewhere, "POST", "/transactions/new", signed(closed), "Sec-Fetch-Site: cross-site", 403},
		{"unlock, from elsewhere", open, elsewhere, "POST", "/wallets/unlock", `{"seed": "` + hex64 + `"}`, "X: x", 403},
		{"unlock, a token is set", closed, "", "POST", "/wallets/unlock", `{"seed": "` + hex64 + `"}`, "X: x", 401},
		{"unlock, with the token", closed, elsewhere, "POST", "/wallets/unlock", `{"seed": "` + hex64 + `"}`, token, 200},
		{"list, from elsewhere", open, elsewhere, "GET", "/wallets", "", "X: x", 403},
		{"list, a token is set", closed, "", "GET", "/wallets", "", "X: x", 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := c.node.doFrom(c.from, c.method, c.path, c.body, c.header)
			if w.Code != c.status {
				t.Errorf("%d %s, want %d", w.Code, w.Body, c.status)
			}
		})
	}
}

// TestASeedIsNeverQuoted: whatever is wrong with the request that holds it.
func TestASeedIsNeverQuoted(t *testing.T) {
	keys := newFakeKeys()
	n := startSecure(t, Config{Keys: keys})
	keys.full = true
	for _, body := range []string{
		`{"seed": "` + hex64 + `"}`, `{"seed": "` + hex64, `{"seed": "` + hex64 + `0"}`, `{"seed": "` + hex64 + `", "seconds": 0}`, `["` + hex64 + `"]`,
		`{"seed": "` + strings.ToUpper(hex64) + `"}`, hex64, `{"sed": "` + hex64 + `"}`,
	} {
		for _, accept := range []string{"*/*", "application/json"} {
			w := n.do("POST", "/wallets/unlock", body, "Accept: "+accept)
			if w.Code < 400 || strings.Contains(strings.ToLower(w.Body.String()), hex64[:16]) {
				t.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
		}
	}
}

// TestPaymentsThatNobodySigns: what is wrong with a payment is said before who signs it.
func TestPaymentsThatNobodySigns(t *testing.T) {
	n := startSecure(t, Config{Keys: newFakeKeys()})
	alice, bob := chaintest.Account("alice"), chaintest.Account("bob")
	signed := chaintest.Pay(n.chain.Rules(), "alice", "bob", 1).Canonical()
	for body, want := range map[string]string{
		`{}`: "Missing values",
		`{"sender": "alice", "recipient": "bob"}`:  "Missing values",
		fmt.Sprintf(unsigned, alice, bob, "0"):     "amount",
		fmt.Sprintf(unsigned, alice, bob, "2.5"):   "amount",
		fmt.Sprintf(unsigned, alice, bob, `"5"`):   "amount",
		fmt.Sprintf(unsigned, alice, "Bob", "5"):   "recipient",
		fmt.Sprintf(unsigned, "0", bob, "5"):       "sender",
		fmt.Sprintf(unsigned, "mallory", bob, "5"): "sender",
		`{"sender": "` + alice + `", "recipient": "` + bob + `", "amount": 5, "signature": "` + strings.Repeat("0", 128) + `"}`: `key "id" is missing`,
		strings.Replace(signed, `{`, `{"memo": "rent", `, 1):                                                                    `unknown key "memo"`,
		strings.Replace(signed, `"amount": 1`, `"amount": 2`, 1):                                                                "Sign it again.",
	} {
		if w := n.do("POST", "/transactions/new", body); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s, want %s", body, w.Code, w.Body, want)
		}
	}
	if len(n.chain.Pending()) > 0 {
		t.Errorf("pending: %v", n.chain.Pending())
	}
	if w := n.do("POST", "/transactions/new", strings.Replace(fmt.Sprintf(unsigned, alice, bob, "5"), `{`, `{"memo": "rent", `, 1)); w.Code != http.StatusCreated {
		t.Errorf("unsigned with another key: %d %s", w.Code, w.Body)
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
