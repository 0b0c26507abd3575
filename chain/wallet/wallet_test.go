package wallet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
	want := []wallet.Entry{{Name: "alice", Address: alice.Address(), HasKey: true}, {Name: "bob", Address: bob}, {Name: "小明", Address: carol.Address(), HasKey: true}}
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
	p := key.Sign("0123456789abcdef-2", consensus.Transaction{Recipient: to.String(), Amount: "5", ID: consensus.ID{1}, HasID: true})
	if err := p.CheckSignature("0123456789abcdef-2"); err != nil || p.Sender != key.Address().String() {
		t.Errorf("%+v: %v", p, err)
	}
}
