package rpc

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/chain/wallet"
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
