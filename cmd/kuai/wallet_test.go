package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"kuai/chain/consensus"
	"kuai/chain/wallet"
)

const networkOfTests = "0123456789abcdef-2"

// walletRoom is a directory of wallets and a password file.
type walletRoom struct {
	t             *testing.T
	dir, password string
}

func newWalletRoom(t *testing.T) walletRoom {
	return walletRoom{t, filepath.Join(t.TempDir(), "wallets"), write(t, "correct horse\r\n")}
}

// run carries out a wallet verb; those that need a password are given it.
func (r walletRoom) run(verb string, args ...string) (code int, out, errOut string) {
	given := []string{"wallet", verb, "--wallet-dir", r.dir}
	switch verb {
	case "new", "import":
		given = append(given, "--work", "10", "--password-file", r.password)
	case "export", "sign":
		given = append(given, "--password-file", r.password)
	}
	return kuai(nil, append(given, args...)...)
}

// does runs a verb that succeeds and returns what it prints.
func (r walletRoom) does(verb string, args ...string) string {
	r.t.Helper()
	code, out, errOut := r.run(verb, args...)
	if code != exitOK {
		r.t.Fatalf("wallet %s %q: exit code %d: %s", verb, args, code, errOut)
	}
	return out
}

// info runs a verb that prints a wallet.
func (r walletRoom) info(verb string, args ...string) (i walletInfo) {
	r.t.Helper()
	if err := json.Unmarshal([]byte(r.does(verb, append(args, "--json")...)), &i); err != nil {
		r.t.Fatal(err)
	}
	return i
}

// refuses runs a verb that fails with that code and text, and prints nothing.
func (r walletRoom) refuses(want int, text, verb string, args ...string) {
	r.t.Helper()
	code, out, errOut := r.run(verb, args...)
	if code != want || out != "" || !strings.Contains(errOut, text) {
		r.t.Errorf("wallet %s %q: exit code %d, want %d with %q: %s%s", verb, args, code, want, text, out, errOut)
	}
}

func TestWalletVerbs(t *testing.T) {
	r := newWalletRoom(t)
	if out := r.does("list"); !strings.Contains(out, "No wallets yet") {
		t.Errorf("list: %s", out)
	}
	alice := r.info("new", "alice")
	if len(strings.Fields(alice.Words)) != 12 || alice.Name != "alice" || filepath.Dir(alice.File) != r.dir {
		t.Errorf("new: %+v", alice)
	}
	ming := r.does("new", "小明", "--words", "chinese")
	if !strings.Contains(ming, "not shown again") || !strings.Contains(ming, "name     小明\n") {
		t.Errorf("new: %s", ming)
	}
	bob := wallet.DevelopmentKey("bob").Address().String()
	if i := r.info("name", bob, "Bob"); i != (walletInfo{Name: "bob", Address: bob}) {
		t.Errorf("name: %+v", i)
	}
	if i := r.info("name", "bob", "robert"); i != (walletInfo{Name: "robert", Address: bob}) {
		t.Errorf("rename: %+v", i)
	}
	alice.Words = ""
	for _, ref := range []string{"alice", alice.Address} {
		if i := r.info("show", ref); i != alice {
			t.Errorf("show %s: %+v", ref, i)
		}
	}
	list := r.does("list")
	if lines := strings.Split(list, "\n"); len(lines) != 4 || !strings.HasPrefix(lines[0], "alice   "+alice.Address+"  wallet") || !strings.HasSuffix(lines[1], bob+"  no key here") {
		t.Errorf("list:\n%s", list)
	}

	again := newWalletRoom(t)
	seed := write(t, r.does("export", "alice"))
	if i := again.info("import", "alice", seed); i.Address != alice.Address || i.Words != "" {
		t.Errorf("import of a seed: %+v", i)
	}
	file := again.info("show", "alice").File
	third := newWalletRoom(t)
	if i := third.info("import", "moved", file); i.Address != alice.Address || i.Name != "moved" {
		t.Errorf("import of a file: %+v", i)
	}
}

// TestWalletWords: the words that are shown once bring the key back.
func TestWalletWords(t *testing.T) {
	for _, language := range wallet.Languages {
		r := newWalletRoom(t)
		made := r.info("new", "alice", "--words", language)
		words := write(t, "\ufeff"+strings.ToUpper(made.Words)+"\r\n")
		if i := newWalletRoom(t).info("import", "again", words); i.Address != made.Address {
			t.Errorf("%s: %s, want %s", language, i.Address, made.Address)
		}
	}
}

func TestWalletSignsAndVerifies(t *testing.T) {
	r := newWalletRoom(t)
	alice, bob := r.info("new", "alice").Address, wallet.DevelopmentKey("bob").Address().String()
	_, payment, warning := r.run("sign", "alice", bob, "5", "--network-id", networkOfTests)
	if !strings.Contains(warning, "no name here") {
		t.Errorf("an unknown recipient: %q", warning)
	}
	p, err := consensus.ParseSigned([]byte(strings.TrimSuffix(payment, "\n")))
	if err != nil || p.CheckSignature(networkOfTests) != nil || p.Amount != "5" || p.Sender != alice || p.Recipient != bob {
		t.Fatalf("%s: %+v, %v", payment, p, err)
	}
	r.does("name", bob, "bob")
	code, other, warning := r.run("sign", "alice", "bob", "5", "--network-id", networkOfTests)
	if code != exitOK || warning != "" || other == payment {
		t.Errorf("a second payment: exit code %d, %q", code, warning)
	}
	id := p.ID.String()
	if same := r.does("sign", alice, "bob", "5", "--network-id", networkOfTests, "--id", id); same != payment {
		t.Errorf("the same payment is signed as %s", same)
	}
	spaced := strings.ReplaceAll(payment, `, "`, ",\n\t\"")
	for _, text := range []string{payment, spaced, "\ufeff" + payment} {
		want := "valid\namount     5\nsender     " + alice + " (alice)\nrecipient  " + bob + " (bob)\nid         " + id + "\n"
		if out := r.does("verify", write(t, text), "--network-id", networkOfTests); out != want {
			t.Errorf("verify: %s", out)
		}
	}
	var i verifiedInfo
	out := r.does("verify", write(t, payment), "--network-id", networkOfTests, "--json")
	if err := json.Unmarshal([]byte(out), &i); err != nil || i != (verifiedInfo{5, id, bob, "bob", alice, "alice"}) {
		t.Errorf("verify: %+v, %v", i, err)
	}
	r.refuses(exitFailure, "invalid (signature)", "verify", write(t, payment), "--network-id", "0123456789abcdef-3")
	r.refuses(exitFailure, "invalid (signature)", "verify", write(t, strings.Replace(payment, `: 5,`, `: 6,`, 1)), "--network-id", networkOfTests)
	r.refuses(exitFailure, "invalid (amount)", "verify", write(t, strings.Replace(payment, `: 5,`, `: 5.0,`, 1)), "--network-id", networkOfTests)
	r.refuses(exitFailure, "invalid (transaction keys)", "verify", write(t, "{}"), "--network-id", networkOfTests)
	r.refuses(exitFailure, "kuai: ", "verify", write(t, "no JSON"), "--network-id", networkOfTests)
	r.refuses(exitFailure, "no such file", "verify", filepath.Join(t.TempDir(), "none"), "--network-id", networkOfTests)
}

func TestWalletRefusals(t *testing.T) {
	r := newWalletRoom(t)
	alice := r.info("new", "alice")
	bob := wallet.DevelopmentKey("bob").Address().String()
	r.refuses(exitFailure, "exists already", "new", "Alice")
	r.refuses(exitFailure, "exists already", "import", "again", write(t, alice.Words))
	r.refuses(exitFailure, "not found", "show", "nobody")
	r.refuses(exitFailure, "not on this machine", "export", bob)
	r.refuses(exitFailure, "exists already", "name", bob, "alice")
	r.refuses(exitFailure, "not found", "sign", "alice", "nobody", "5", "--network-id", networkOfTests)
	r.refuses(exitUsage, "want 1 to 32 letters", "new", "a/b")
	r.refuses(exitUsage, "want english or chinese", "new", "carol", "--words", "klingon")
	r.refuses(exitUsage, "want 10..20", "new", "carol", "--work", "21")
	r.refuses(exitUsage, "want a name or an address", "show", bob+"x")
	r.refuses(exitUsage, "want 1 to 32 letters", "name", "alice", bob)
	r.refuses(exitUsage, "want the id of a network", "sign", "alice", bob, "5")
	r.refuses(exitUsage, "want the id of a network", "verify", write(t, "{}"), "--network-id", "secure")
	r.refuses(exitUsage, "--id", "sign", "alice", bob, "5", "--id", "5", "--network-id", networkOfTests)
	for _, amount := range []string{"0", "1.5", "1e3", "9007199254740992", "x", ""} {
		r.refuses(exitUsage, wantWhole, "sign", "alice", bob, amount, "--network-id", networkOfTests)
	}
	r.refuses(exitUsage, wantWhole, "sign", "alice", bob, "-5", "--network-id", networkOfTests)
	for text, says := range map[string]string{
		"":                                     "found 0 words",
		"abandon abandon":                      "found 2 words",
		strings.Repeat("abandon ", 12):         "do not fit together",
		strings.Repeat("0f", 31):               "found 62 hex digits, want a seed of 64, or words",
		strings.Repeat("a", maxSecretFile+1):   "more than 4096 bytes",
		"-----BEGIN AGE ENCRYPTED FILE-----\n": "damaged",
	} {
		r.refuses(exitFailure, says, "import", "carol", write(t, text))
	}
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	for _, args := range [][]string{{"new", "Rewards"}, {"import", "rewards", write(t, alice.Words)}, {"name", bob, "rewards"}} {
		if code, out, errOut := kuai(nil, append([]string{"wallet"}, args...)...); code != exitUsage || out != "" || !strings.Contains(errOut, "name rewards: it means the wallet that a node keeps its rewards in") {
			t.Errorf("%q: exit code %d: %s%s", args, code, out, errOut)
		}
	}
	if all := r.does("list"); strings.Count(all, "\n") != 1 {
		t.Errorf("something was made:\n%s", all)
	}
	if code, _, errOut := kuai(nil, "wallet", "nwe"); code != exitUsage || !strings.Contains(errOut, "did you mean") {
		t.Errorf("nwe: exit code %d: %s", code, errOut)
	}
}

// TestWalletPasswords: where a password may come from, and what is none.
func TestWalletPasswords(t *testing.T) {
	r := newWalletRoom(t)
	r.does("new", "alice")
	want := r.does("export", "alice")
	export := func(args ...string) (int, string, string) {
		return kuai(nil, append([]string{"wallet", "export", "alice", "--wallet-dir", r.dir}, args...)...)
	}
	for name, encode := range encodings {
		if code, out, errOut := export("--password-file", write(t, encode("correct horse\n"))); code != exitOK || out != want {
			t.Errorf("%s: exit code %d: %s", name, code, errOut)
		}
	}
	if code, out, errOut := export("--password-fd", descriptor(t, "correct horse")); code != exitOK || out != want {
		t.Errorf("--password-fd: exit code %d: %s", code, errOut)
	}
	if code, out, _ := kuai([]string{"KUAI_PASSWORD_FILE=" + r.password, "KUAI_WALLET_DIR=" + r.dir}, "wallet", "export", "alice"); code != exitOK || out != want {
		t.Errorf("environment: exit code %d", code)
	}
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{exitFailure, "the password is wrong", []string{"--password-file", write(t, "Correct horse\n")}},
		{exitFailure, "the password is wrong", []string{"--password-file", write(t, "correct horse \n")}},
		{exitUsage, "is empty", []string{"--password-file", write(t, "\n")}},
		{exitUsage, "several lines", []string{"--password-file", write(t, "correct horse\nagain\n")}},
		{exitUsage, "more than 4096 bytes", []string{"--password-file", write(t, strings.Repeat("a", 5000))}},
		{exitUsage, "no such file", []string{"--password-file", "/nowhere/password"}},
		{exitUsage, "want one of them", []string{"--password-file", r.password, "--password-fd", "9"}},
		{exitUsage, "--password-fd", []string{"--password-fd", "987"}},
	} {
		if code, out, errOut := export(c.args...); code != c.code || out != "" || !strings.Contains(errOut, c.says) {
			t.Errorf("%q: exit code %d, want %d with %q: %s%s", c.args, code, c.code, c.says, out, errOut)
		}
	}
}

// descriptor returns the number of a pipe that text is read from. The verb closes it.
func descriptor(t *testing.T, text string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteString(text); err != nil {
		t.Fatal(err)
	}
	w.Close()
	fd, err := dup(r)
	if err != nil {
		t.Skip(err)
	}
	r.Close()
	return strconv.Itoa(fd)
}

// TestWalletSecretsAreNotShown greps what the verbs print, and the error of a damaged file, for seed, words and password.
func TestWalletSecretsAreNotShown(t *testing.T) {
	r := newWalletRoom(t)
	alice := r.info("new", "alice")
	seed := strings.TrimSpace(r.does("export", "alice"))
	if raw, err := hex.DecodeString(seed); err != nil || len(raw) != wallet.SeedBytes {
		t.Fatalf("the seed is %q", seed)
	}
	var all strings.Builder
	shows := func(verb string, args ...string) {
		_, out, errOut := r.run(verb, args...)
		all.WriteString(out + errOut)
	}
	bob := wallet.DevelopmentKey("bob").Address().String()
	shows("list")
	shows("list", "--json")
	shows("show", "alice")
	shows("sign", "alice", bob, "5", "--network-id", networkOfTests)
	shows("import", "again", write(t, seed))
	shows("import", "again", write(t, alice.Words+" extra"))
	shows("import", "again", write(t, seed+"0"))
	shows("new", "alice")
	if err := os.WriteFile(alice.File, []byte(seed), 0o600); err != nil {
		t.Fatal(err)
	}
	shows("export", "alice")
	words := strings.Fields(alice.Words)
	for _, secret := range append([]string{seed[:16], "correct horse"}, words[0]+" "+words[1]) {
		if strings.Contains(all.String(), secret) {
			t.Errorf("%q is shown in:\n%s", secret, all.String())
		}
	}
	if !strings.Contains(all.String(), "Restore it from a copy") {
		t.Errorf("a damaged wallet:\n%s", all.String())
	}
}

// TestDamagedWalletIsImportedAgain: list and show see the damage without a password, and the words bring the key back under its name.
func TestDamagedWalletIsImportedAgain(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"empty":  func([]byte) []byte { return nil },
		"cut":    func(file []byte) []byte { return file[:len(file)/2] },
		"header": func(file []byte) []byte { return bytes.Replace(file, []byte("-----BEGIN"), []byte("-----BEGIM"), 1) },
		"armor":  func(file []byte) []byte { file[len(file)/2] = '*'; return file },
	} {
		r := newWalletRoom(t)
		bob := r.info("new", "bob")
		seed := r.does("export", "bob")
		file, err := os.ReadFile(bob.File)
		if err != nil {
			t.Fatal(err)
		}
		broken := damage(bytes.Clone(file))
		if err := os.WriteFile(bob.File, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		if list := r.does("list"); !strings.Contains(list, "damaged: see 'kuai wallet show bob'") {
			t.Errorf("%s: list: %s", name, list)
		}
		if i := r.info("show", "bob"); !i.Damaged || !strings.Contains(r.does("show", "bob"), "kuai wallet import bob") {
			t.Errorf("%s: show: %+v", name, i)
		}
		r.refuses(exitFailure, "Restore it from a copy, or from its words with 'kuai wallet import bob'", "export", "bob")
		r.refuses(exitFailure, "name bob: exists already", "new", "bob")
		r.does("new", "carol")
		r.refuses(exitFailure, "name carol: exists already", "import", "carol", write(t, bob.Words))
		if i := r.info("import", "bob", write(t, bob.Words)); i.Address != bob.Address || i.Damaged || r.does("export", "bob") != seed {
			t.Errorf("%s: import: %+v", name, i)
		}
		if kept, err := os.ReadFile(bob.File + ".damaged"); err != nil || !bytes.Equal(kept, broken) {
			t.Errorf("%s: the damaged file is not kept: %v", name, err)
		}
		r.refuses(exitFailure, "exists already", "import", "bob", write(t, bob.Words))
		r.refuses(exitFailure, "if you do not know it, move "+bob.File+" away", "import", "bob", write(t, bob.Words), "--password-file", write(t, "another"))
	}
}

// TestWalletsInChinese: no word of what people read of their wallets stays English.
func TestWalletsInChinese(t *testing.T) {
	r := newWalletRoom(t)
	han := func(want string, args ...string) {
		t.Helper()
		code, out, errOut := kuai([]string{"LANG=zh_CN.UTF-8"}, append(args, "--wallet-dir", r.dir)...)
		if code != exitOK || !strings.Contains(out+errOut, want) {
			t.Errorf("%q: exit code %d: %s%s, want %s", args, code, out, errOut, want)
		}
	}
	han("还没有钱包", "wallet", "list")
	han("请抄下助记词并保密", "wallet", "new", "alice", "--work", "10", "--password-file", r.password)
	han("\n地址     12D3KooW", "wallet", "show", "alice")
	han("  钱包\n", "wallet", "list")
	bob := wallet.DevelopmentKey("bob").Address().String()
	han("收款地址在本机没有名称", "wallet", "sign", "alice", bob, "1", "--network-id", networkOfTests, "--password-file", r.password)
	r.does("name", bob, "bob")
	han("  本机没有密钥\n", "wallet", "list")
	if err := os.WriteFile(r.info("show", "alice").File, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	han("密钥文件已损坏", "wallet", "show", "alice")
	han("  已损坏：见 'kuai wallet show alice'\n", "wallet", "list")
	zh := language{zh: true}
	for _, english := range []string{"12D3KooW is unlocked until 12:34:56", "12D3KooW is locked", "No key of that address is unlocked.",
		"5 of it can be spent, the rest is in pending payments", "mined in block 2, 1 confirmation", "mined in block 2, 3 confirmations", "Password: "} {
		if text := zh.text(english); text == english {
			t.Errorf("%q has no Chinese", english)
		}
	}
}
