package wallet_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"kuai/chain/consensus"
	"kuai/chain/wallet"
)

const (
	password = "correct horse 电池"
	work     = wallet.MinWork
)

func newKey(t testing.TB) wallet.Key {
	t.Helper()
	words, err := wallet.NewWords("english")
	if err != nil {
		t.Fatal(err)
	}
	key, err := wallet.KeyOfWords(words)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// withAlice returns a directory that does not exist before with one wallet.
func withAlice(t testing.TB) (wallet.Wallets, wallet.Key) {
	t.Helper()
	w, key := wallet.Wallets{Dir: filepath.Join(t.TempDir(), "new", "wallets")}, newKey(t)
	if err := w.Create("Alice", key, password, work); err != nil {
		t.Fatal(err)
	}
	return w, key
}

func TestWallets(t *testing.T) {
	w, alice := withAlice(t)
	bob, carol := newKey(t).Address(), newKey(t)
	for _, ref := range []string{"alice", "ALICE", alice.Address().String()} {
		if got, err := w.Open(ref, password); err != nil || got.Seed() != alice.Seed() {
			t.Errorf("%s: %v, %v", ref, got, err)
		}
	}
	if err := errors.Join(w.Name(bob, "bob"), w.Create("小明", carol, password, work)); err != nil {
		t.Fatal(err)
	}
	want := []wallet.Entry{{"alice", alice.Address(), true}, {"bob", bob, false}, {"小明", carol.Address(), true}}
	if got, err := w.List(); err != nil || !slices.Equal(got, want) {
		t.Errorf("list: %v, %v", got, err)
	}
	for i, ref := range []string{"alice", bob.String(), "小明"} {
		if e, err := w.Find(ref); err != nil || e != want[i] {
			t.Errorf("%s: %v, %v", ref, e, err)
		}
	}
	stranger := newKey(t).Address()
	if e, err := w.Find(stranger.String()); err != nil || e != (wallet.Entry{Address: stranger}) {
		t.Errorf("an address that is not known: %v, %v", e, err)
	}
	if err := w.Rename("alice", "alice-2"); err != nil {
		t.Error(err)
	}
	if _, err := w.Find("alice"); !errors.Is(err, wallet.ErrNotFound) {
		t.Errorf("the old name: %v", err)
	}
	if got, err := w.Open("alice-2", password); err != nil || got.Seed() != alice.Seed() {
		t.Errorf("the new name: %v", err)
	}
	files, err := os.ReadDir(w.Dir)
	if err != nil || len(files) != 5 {
		t.Errorf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

// TestNothingIsReplaced: a name and a wallet that are there stay as they are.
func TestNothingIsReplaced(t *testing.T) {
	w, alice := withAlice(t)
	bob := newKey(t)
	before := snapshot(t, w.Dir)
	for name, err := range map[string]error{
		"create under a name that is taken": w.Create("ALICE", bob, password, work),
		"import a key again":                w.Create("again", alice, "another", work),
		"name with a name that is taken":    w.Name(bob.Address(), "alice"),
		"rename to itself":                  w.Rename("alice", "alice"),
	} {
		if !errors.Is(err, wallet.ErrExists) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"no password":       w.Create("bob", bob, "", work),
		"too little work":   w.Create("bob", bob, password, wallet.MinWork-1),
		"too much work":     w.Create("bob", bob, password, wallet.MaxWork+1),
		"an unknown name":   w.Rename("nobody", "somebody"),
		"a path":            w.Create("../bob", bob, password, work),
		"an empty name":     w.Create("", bob, password, work),
		"a flag":            w.Create("-bob", bob, password, work),
		"an address":        w.Name(bob.Address(), bob.Address().String()),
		"a control":         w.Name(bob.Address(), "bo\x00b"),
		"not UTF-8":         w.Name(bob.Address(), "bo\xffb"),
		"a name too long":   w.Name(bob.Address(), strings.Repeat("b", 33)),
		"a dot":             w.Name(bob.Address(), "bob.age"),
		"rename to a path":  w.Rename("alice", "a/b"),
		"rename to nothing": w.Rename("alice", ""),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if after := snapshot(t, w.Dir); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

// snapshot returns the names and contents of a directory.
func snapshot(t testing.TB, dir string) string {
	t.Helper()
	var all strings.Builder
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s: %q\n", f.Name(), text)
	}
	return all.String()
}

// TestAgeOpensWallets: the file is one of age, with nothing of ours.
func TestAgeOpensWallets(t *testing.T) {
	w, key := withAlice(t)
	f, err := os.Open(w.KeyFile(key.Address()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	identity, err := age.NewScryptIdentity(password)
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(armor.NewReader(f), identity)
	if err != nil {
		t.Fatal(err)
	}
	seed := key.Seed()
	if text, err := io.ReadAll(r); err != nil || !bytes.Equal(text, seed[:]) {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

// TestDamagedWallets flips a bit of every byte, cuts at every length, and puts other texts in: the key is opened as it was, or an error says that
// the file is damaged or the password wrong.
func TestDamagedWallets(t *testing.T) {
	w, key := withAlice(t)
	path := w.KeyFile(key.Address())
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := newKey(t)
	if err := w.Create("other", other, password, work); err != nil {
		t.Fatal(err)
	}
	swapped, err := os.ReadFile(w.KeyFile(other.Address()))
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string][]byte{"empty": nil, "another wallet": swapped, "large": bytes.Repeat([]byte("a"), 1<<20), "text": []byte("hello\n")}
	for i := range file {
		flipped := bytes.Clone(file)
		flipped[i] ^= 1 << (i % 8)
		texts[fmt.Sprint("byte ", i)] = flipped
	}
	for n := range file {
		texts[fmt.Sprint("length ", n)] = file[:n]
	}
	seen := map[string]int{}
	for name, text := range texts {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := w.Open("alice", password)
		switch {
		case err == nil:
			seen["opened"]++
			if got.Seed() != key.Seed() {
				t.Errorf("%s: another key", name)
			}
		case errors.Is(err, wallet.ErrPassword):
			seen["password"]++
		case errors.Is(err, wallet.ErrDamaged):
			seen["damaged"]++
		default:
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Log(seen)
	if seen["opened"] > 20 || seen["password"] == 0 || seen["damaged"] == 0 {
		t.Errorf("%v", seen) // ends of lines may be cut
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"", "Correct horse 电池", password + " ", strings.Repeat("a", 1<<16)} {
		if _, err := w.Open("alice", wrong); !errors.Is(err, wallet.ErrPassword) {
			t.Errorf("password %.20q: %v", wrong, err)
		}
	}
	if got, err := w.Open("alice", password); err != nil || got.Seed() != key.Seed() {
		t.Errorf("the right password after all: %v", err)
	}
}

// TestDamagedNames: a broken file of a name hides neither the others nor the wallet.
func TestDamagedNames(t *testing.T) {
	w, key := withAlice(t)
	for _, text := range []string{"", "12D3KooW", strings.Repeat("a", 1<<20)} {
		if err := os.WriteFile(filepath.Join(w.Dir, "alice.name"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Open("alice", password); !errors.Is(err, wallet.ErrDamaged) {
			t.Errorf("%.10q: %v", text, err)
		}
		if all, err := w.List(); err != nil || len(all) != 1 || all[0] != (wallet.Entry{Address: key.Address(), HasKey: true}) {
			t.Errorf("%.10q: list %v, %v", text, all, err)
		}
		if _, err := w.Open(key.Address().String(), password); err != nil {
			t.Errorf("%.10q: by address: %v", text, err)
		}
	}
}

// TestOneOfManyCreates: of many that create the same at once, one does.
func TestOneOfManyCreates(t *testing.T) {
	w := wallet.Wallets{Dir: t.TempDir()}
	var mu sync.Mutex
	var won []wallet.Key
	var all sync.WaitGroup
	for range 8 {
		key := newKey(t)
		all.Go(func() {
			if err := w.Create("alice", key, password, work); err == nil {
				mu.Lock()
				won = append(won, key)
				mu.Unlock()
			} else if !errors.Is(err, wallet.ErrExists) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	entries, err := w.List()
	if err != nil || len(won) != 1 || len(entries) != 1 || entries[0] != (wallet.Entry{Name: "alice", Address: won[0].Address(), HasKey: true}) {
		t.Errorf("%d created, list %v, %v", len(won), entries, err)
	}
}

// TestFullDisk: what cannot be saved leaves nothing behind, and what is there stays.
func TestFullDisk(t *testing.T) {
	w := wallet.Wallets{Dir: filepath.Join(t.TempDir(), "small")}
	if err := os.Mkdir(w.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", w.Dir).CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" && runtime.GOOS == "linux" {
			t.Fatalf("mount: %v: %s", err, out)
		}
		t.Skipf("a small disk is mounted for this test, as root: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "--lazy", w.Dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	alice := newKey(t)
	if err := w.Create("alice", alice, password, work); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(w.Dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	before := snapshot(t, w.Dir)
	bob := newKey(t)
	for name, err := range map[string]error{
		"create": w.Create("bob", bob, password, work),
		"name":   w.Name(bob.Address(), "bob"),
		"rename": w.Rename("alice", "alice-2"),
	} {
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "was not saved") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if after := snapshot(t, w.Dir); after != before {
		t.Error("a full disk changed the directory")
	}
	if got, err := w.Open("alice", password); err != nil || got.Seed() != alice.Seed() {
		t.Errorf("alice on a full disk: %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := w.Create("bob", bob, password, work); err != nil {
		t.Errorf("once there is room: %v", err)
	}
}

// TestKeysAreNotPrinted formats keys, and values that hold them, in every way, and greps for the secret.
func TestKeysAreNotPrinted(t *testing.T) {
	key := newKey(t)
	seed := key.Seed()
	nested := struct {
		Exported wallet.Key
		hidden   wallet.Key
		pointer  *wallet.Key
	}{key, key, &key}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%b", "%o", "%T", "%08d", "% x"} {
		for _, v := range []any{key, &key, nested, &nested, []wallet.Key{key}, []*wallet.Key{&key}, map[string]wallet.Key{"a": key}, wallet.Key{}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	fmt.Fprintln(&out, key, &key, nested)
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("key", "key", key, "nested", nested)
	slog.New(slog.NewTextHandler(&out, nil)).Info("key", "key", key, "nested", nested)
	for _, v := range []any{key, nested, map[string]any{"key": key}} {
		if text, err := json.Marshal(v); err == nil {
			t.Errorf("encoded as %s", text)
		}
	}
	findsNoSecret(t, out.String(), seed)
	if !strings.Contains(out.String(), "key of "+key.Address().String()) || !strings.Contains(out.String(), "no key") {
		t.Errorf("printed:\n%s", out.String())
	}
}

// findsNoSecret greps text for the seed in the forms that formatting gives bytes.
func findsNoSecret(t *testing.T, text string, seed [wallet.SeedBytes]byte) {
	t.Helper()
	decimal := strings.Trim(fmt.Sprintf("%d", seed[:8]), "[]")
	golang := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", seed[:8]), "[]byte{"), "}")
	for _, form := range []string{hex.EncodeToString(seed[:8]), decimal, strings.ReplaceAll(decimal, " ", ","), golang, fmt.Sprintf("% x", seed[:8]), string(seed[:8])} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			t.Errorf("the secret is shown as %q", form)
		}
	}
}

// TestErrorsShowNoSecrets greps the errors of everything that can fail.
func TestErrorsShowNoSecrets(t *testing.T) {
	w, key := withAlice(t)
	_, wrong := w.Open("alice", "wrong"+password)
	errs := errors.Join(wrong, w.Create("alice", key, password, work), w.Create("again", key, password, work), w.Create("b", key, password, 1),
		w.Create("../x", key, password, work), wallet.Wallets{Dir: "/dev/null/x"}.Create("a", key, password, work))
	seed := key.Seed()
	if err := os.WriteFile(w.KeyFile(key.Address()), fmt.Appendf(nil, "%x %s", seed, password), 0o600); err != nil {
		t.Fatal(err)
	}
	_, plain := w.Open("alice", password)
	text := errors.Join(errs, plain).Error()
	findsNoSecret(t, text, seed)
	if strings.Contains(text, "horse") || strings.Count(text, "\n") < 6 {
		t.Errorf("errors: %s", text)
	}
}

func TestDevelopmentKeys(t *testing.T) {
	for name, want := range map[string]string{"alice": "12D3KooWPjrxd2vHyuSXgT6qFMgFpw6uKGqZcuA8yFptRDoVXo6K", "bob": "12D3KooWSGisZAZjMwoeM1HLCPSsDz2ES2jWgREkjgy5CLLRzTaU"} {
		if got := wallet.DevelopmentKey(name).Address().String(); got != want {
			t.Errorf("%s: %s, CPython says %s", name, got, want)
		}
	}
	if len(wallet.DevelopmentNames) < 2 {
		t.Error("there is nobody to pay")
	}
}

func TestKeySigns(t *testing.T) {
	key, to := newKey(t), newKey(t).Address()
	p := key.Sign("0123456789abcdef-2", consensus.SignedPayment{Recipient: to, Amount: 5, ID: consensus.ID{1}})
	if err := p.CheckSignature("0123456789abcdef-2"); err != nil || p.Sender != key.Address() {
		t.Errorf("%+v: %v", p, err)
	}
}
