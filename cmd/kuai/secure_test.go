package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kuai/chain/consensus"
	"kuai/chain/wallet"
	"kuai/rpc"
)

func payment(sender, recipient string) consensus.Transaction {
	return consensus.Transaction{Sender: sender, Recipient: recipient, Amount: "5", ID: consensus.ID{1}, HasID: true}
}

func TestKeyringForgetsInTime(t *testing.T) {
	now := time.Unix(1000, 0)
	k := newKeyring(consensus.Secure())
	k.now = func() time.Time { return now }
	key := wallet.DevelopmentKey("alice")
	network := consensus.Secure().Network()
	signs := func() bool {
		signed, ok := k.Sign(network, payment(key.Address().String(), key.Address().String()))
		if ok && signed.CheckSignature(network) != nil {
			t.Error("the signature is not valid")
		}
		return ok
	}
	if _, named := k.Named("alice"); named || signs() || len(k.Unlocked()) > 0 {
		t.Error("a development account is unlocked on another network than dev")
	}
	address, err := k.Unlock(key.Seed(), now.Add(time.Minute))
	if err != nil || address != key.Address().String() || !signs() || len(k.Unlocked()) != 1 {
		t.Fatalf("unlocked: %s, %v", address, err)
	}
	now = now.Add(time.Minute)
	if signs() || len(k.Unlocked()) > 0 || k.Lock(address) {
		t.Error("the key is unlocked when its time is over")
	}
}

func TestKeyringIsBounded(t *testing.T) {
	k, until := newKeyring(consensus.Secure()), time.Now().Add(time.Hour)
	for i := range maxUnlocked + 1 {
		if _, err := k.Unlock([32]byte{byte(i)}, until); (err != nil) != (i == maxUnlocked) {
			t.Errorf("key %d: %v", i+1, err)
		}
	}
	if _, err := k.Unlock([32]byte{0}, until.Add(time.Hour)); err != nil {
		t.Errorf("a key that is unlocked already: %v", err)
	}
	if !k.Lock(wallet.NewKey([32]byte{1}).Address().String()) {
		t.Error("a key was not unlocked")
	}
	if _, err := k.Unlock([32]byte{0xff}, until); err != nil {
		t.Errorf("in place of a locked one: %v", err)
	}
}

// TestDevelopmentAccountsAreEndowed: the built-in network gives money to exactly the accounts whose names it knows.
func TestDevelopmentAccountsAreEndowed(t *testing.T) {
	k, endowed := newKeyring(consensus.Dev()), map[string]bool{}
	for e := range consensus.Dev().Endowments() {
		endowed[e.Recipient.String()] = true
	}
	for _, u := range k.Unlocked() {
		address, ok := k.Named(u.Name)
		if _, signs := k.Sign("x", payment(u.Address, u.Address)); !ok || address != u.Address || !endowed[u.Address] || !signs {
			t.Errorf("%+v", u)
		}
		delete(endowed, u.Address)
	}
	if len(endowed) > 0 {
		t.Errorf("nobody has the keys of %v", endowed)
	}
}

func TestNetworkNew(t *testing.T) {
	t.Chdir(t.TempDir())
	alice := wallet.DevelopmentKey("alice").Address().String()
	var i networkInfo
	code, out, errOut := kuai(nil, "network", "new", "My Class/1", "--block-time", "600s", "--first-target", strings.Repeat("0", 8)+strings.Repeat("f", 56), "--reward", "50", "--endow", alice+"=7", "--json")
	if err := json.Unmarshal([]byte(out), &i); code != exitOK || err != nil || i.File != "my-class-1.json" || i.Profile != "secure" || i.Name != "My Class/1" {
		t.Fatalf("exit code %d: %s%s", code, out, errOut)
	}
	if info, err := os.Stat(i.File); err != nil || info.Mode().Perm()&0o444 != 0o444 {
		t.Errorf("others cannot read the file that all take part with: %v, %v", info.Mode(), err)
	}
	r, err := networkRules(i.File)
	if err != nil || r.Network() != i.ID || r.BlockTime != 10*time.Minute || r.First != consensus.ZerosTarget(8) || r.Reward != "50" {
		t.Errorf("%+v, %v", r, err)
	}
	for e := range r.Endowments() {
		if e.Recipient.String() != alice || e.Amount != 7 {
			t.Errorf("endowed: %+v", e)
		}
	}
	if code, _, errOut := kuai(nil, "network", "new", "easy", "--profile", "classic", "--zeros", "2", "--file", "e.json"); code != exitOK {
		t.Errorf("exit code %d: %s", code, errOut)
	}
	if r, err := networkRules("e.json"); err != nil || r.IsSecure() || r.Zeros != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	for line, want := range map[string]string{
		"x --profile other": "want secure or classic",
		"x --profile classic --block-time 1s --endow a=1": "--block-time, --endow: a classic network has no such setting",
		"x --zeros 3":                 "--first-target",
		"x --block-time 1500ms":       "want whole seconds",
		"x --first-target f":          "first_target",
		"x --block-time 0s":           "--block-time 0s: want 1s to 24h",
		"x --block-time -1s":          "--block-time -1s: want 1s to 24h",
		"x --block-time 24h1s":        "--block-time 24h0m1s: want 1s to 24h",
		"x --reward 0":                "reward",
		"x --endow alice":             "want account=amount",
		"x --endow nobody=5":          "not found",
		"x --endow " + alice + "=0":   "want a whole number",
		"x --endow " + alice + "=05":  "want a whole number",
		"x --endow " + alice + "=1e3": "want a whole number",
		"x --endow " + alice + "=9007199254740991 --endow " + alice + "=1": "2^53-1 together",
	} {
		code, out, errOut := kuai(nil, append([]string{"network", "new"}, strings.Fields(line)...)...)
		if code != exitUsage || out != "" || !strings.Contains(errOut, want) {
			t.Errorf("%s: exit code %d: %s%s, want %s", line, code, out, errOut, want)
		}
	}
	if _, err := os.Stat("x.json"); err == nil {
		t.Error("a file was written for a network that cannot be")
	}
}

// TestNetworkNearABuiltInOne: a typing error is told from a missing file.
func TestNetworkNearABuiltInOne(t *testing.T) {
	for word, want := range map[string]string{"secur": " (did you mean secure?)\n", "klassic": " (did you mean classic?)\n", "class-5b.json": "\n"} {
		code, _, errOut := kuai(nil, "network", "show", word)
		first, _, _ := strings.Cut(errOut, "Run ")
		if code != exitUsage || !strings.HasSuffix(first, want) || strings.Contains(first, "did you mean") != (want != "\n") {
			t.Errorf("%s: exit code %d: %s", word, code, errOut)
		}
	}
}

// TestNetworkShow: what is shown is the same network.
func TestNetworkShow(t *testing.T) {
	for _, name := range []string{classic, secureNetwork, devNetwork} {
		code, out, errOut := kuai(nil, "network", "show", name)
		want, err := networkRules(name)
		if err != nil || code != exitOK {
			t.Fatalf("%s: exit code %d: %s, %v", name, code, errOut, err)
		}
		if r, err := consensus.ReadRules([]byte(out)); err != nil || r.Network() != want.Network() || r.Name != name {
			t.Errorf("%s: %s: %v", name, out, err)
		}
	}
	if code, _, errOut := kuai(nil, "network", "show", "/nowhere/file"); code != exitUsage || !strings.Contains(errOut, "/nowhere/file") {
		t.Errorf("exit code %d: %s", code, errOut)
	}
}

// TestUnlockIsForSecureNetworks, and asks for no password before it knows.
func TestUnlockIsForSecureNetworks(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		fmt.Fprint(w, `{"network": "7fc07dc7599e3d61-1", "profile": "classic"}`)
	}))
	defer srv.Close()
	code, _, errOut := kuai(nil, "wallet", "unlock", "alice", "--api", srv.URL)
	if code != exitFailure || !strings.Contains(errOut, "7fc07dc7599e3d61-1 are not signed") {
		t.Errorf("exit code %d: %s", code, errOut)
	}
}

// readOnlyNode is a node of that secure network that must not be asked to pay.
func readOnlyNode(t *testing.T, network string) (url string) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodGet:
			t.Errorf("%s %s", r.Method, r.URL)
		case r.URL.Path == "/wallets":
			fmt.Fprint(w, `{"wallets": []}`)
		default:
			fmt.Fprintf(w, `{"network": %q, "profile": "secure"}`, network)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// TestDamagedNamesAreShown, and nothing is paid to or from one.
func TestDamagedNamesAreShown(t *testing.T) {
	r := newWalletRoom(t)
	alice := r.info("new", "alice").Address
	r.does("name", wallet.DevelopmentKey("bob").Address().String(), "robert")
	file := filepath.Join(r.dir, "robert.name")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text[20] ^= 1
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if list := r.does("list"); !strings.Contains(list, "robert  -") || !strings.Contains(list, "damaged: see 'kuai wallet show robert'") || !strings.Contains(list, alice) {
		t.Errorf("list:\n%s", list)
	}
	if list := r.does("list", "--json"); !strings.Contains(list, `"damaged": true`) {
		t.Errorf("list:\n%s", list)
	}
	r.refuses(exitFailure, "name robert: the file is damaged", "show", "robert")
	url := readOnlyNode(t, consensus.Secure().Network())
	for _, line := range []string{"send alice robert 5", "send robert alice 5", "balance robert"} {
		code, out, errOut := kuai(nil, append(strings.Fields(line), "--wallet-dir", r.dir, "--api", url)...)
		if code != exitFailure || out != "" || !strings.Contains(errOut, "name robert: the file is damaged: restore "+file) {
			t.Errorf("%s: exit code %d: %s%s", line, code, out, errOut)
		}
	}
}

// TestDevelopmentAccountsAreNotShadowed: a name that means two addresses pays neither.
func TestDevelopmentAccountsAreNotShadowed(t *testing.T) {
	r := newWalletRoom(t)
	r.does("new", "alice")
	bob := wallet.DevelopmentKey("bob").Address().String()
	r.does("name", bob, "bob") // the same address
	send := func(network string, words ...string) (code int, out, errOut string) {
		return kuai(nil, append(append([]string{"send"}, words...), "5", "--wallet-dir", r.dir, "--password-file", "/nowhere/file", "--api", readOnlyNode(t, network))...)
	}
	want := `"alice" is a development account of this network`
	for _, words := range [][]string{{"alice", "bob"}, {"bob", "Alice"}} {
		if code, out, errOut := send(consensus.Dev().Network(), words...); code != exitFailure || out != "" || !strings.Contains(errOut, want) {
			t.Errorf("%s: exit code %d: %s%s", words, code, out, errOut)
		}
	}
	for network, words := range map[string][]string{
		consensus.Dev().Network():    {r.info("show", "alice").Address, "bob"},
		consensus.Secure().Network(): {"alice", "bob"},
	} {
		if _, _, errOut := send(network, words...); strings.Contains(errOut, "development account") || !strings.Contains(errOut, "/nowhere/file") {
			t.Errorf("%s: the wallet is not asked to sign: %s", words, errOut)
		}
	}
}

var _ rpc.Keys = (*keyring)(nil)
