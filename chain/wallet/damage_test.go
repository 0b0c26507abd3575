package wallet_test

import (
	"bytes"
	"errors"
	"fmt"
	"kuai/chain/wallet"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

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
		if all, err := w.List(); err != nil || !slices.Equal(all, []wallet.Entry{{Name: "alice", Damaged: true}, {Address: key.Address(), HasKey: true}}) {
			t.Errorf("%.10q: list %v, %v", text, all, err)
		}
		if _, err := w.Open(key.Address().String(), password); err != nil {
			t.Errorf("%.10q: by address: %v", text, err)
		}
	}
}

// TestNamesAreCheckedByEveryBit: no changed bit makes a name that of another address. A file of earlier versions has the address alone.
func TestNamesAreCheckedByEveryBit(t *testing.T) {
	w, key := withAlice(t)
	path := filepath.Join(w.Dir, "alice.name")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := 0
	for i := range file {
		for bit := range 8 {
			flipped := bytes.Clone(file)
			flipped[i] ^= 1 << bit
			if err := os.WriteFile(path, flipped, 0o600); err != nil {
				t.Fatal(err)
			}
			e, err := w.Find("alice")
			switch {
			case errors.Is(err, wallet.ErrDamaged):
				damaged++
			case err != nil || e.Address != key.Address():
				t.Errorf("byte %d, bit %d: %v, %v", i, bit, e, err)
			}
		}
	}
	if damaged < 8*(len(file)-2) { // a newline may become another space
		t.Errorf("%d of %d are damaged", damaged, 8*len(file))
	}
	if err := os.WriteFile(path, []byte(key.Address().String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if e, err := w.Find("alice"); err != nil || e.Address != key.Address() {
		t.Errorf("without a check value: %v, %v", e, err)
	}
}
