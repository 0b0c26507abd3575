package wallet

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"kuai/chain/atomicfile"
	"kuai/chain/canonical"
	"kuai/chain/consensus"
)

// maxName is the longest name, in characters. It is a file's name, and a column of a table.
const maxName = 32

// CheckName returns a name in lower case, the only case that names have, as file systems differ in whether they tell case apart. It has 1
// to 32 letters, digits, hyphens and underscores, and does not start with a hyphen.
func CheckName(name string) (string, error) {
	const want = "want 1 to 32 letters, digits, - and _"
	name = strings.ToLower(name)
	n := utf8.RuneCountInString(name)
	if n == 0 || n > maxName || name[0] == '-' || !utf8.ValidString(name) {
		return "", fmt.Errorf("name %s: %s", canonical.Quote(name), want)
	}
	for _, c := range name {
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '-' && c != '_' {
			return "", fmt.Errorf("name %s: %s", canonical.Quote(name), want)
		}
	}
	return name, nil
}

// Name calls an address by a name that is free. An address may have several.
func (w Wallets) Name(a consensus.Address, name string) error {
	name, err := CheckName(name)
	if err != nil {
		return err
	}
	if err := atomicfile.Directory(w.Dir); err != nil {
		return fmt.Errorf("name %s: %w", name, err)
	}
	return w.writeName(name, a)
}

// Rename gives the address that is called old the free name instead. If it fails half way, the address has both.
func (w Wallets) Rename(old, name string) error {
	e, err := w.Find(old)
	if err != nil {
		return err
	}
	if err := w.Name(e.Address, name); err != nil || e.Name == "" {
		return err
	}
	if err := os.Remove(w.nameFile(e.Name)); err != nil {
		return fmt.Errorf("name %s: %w", e.Name, err)
	}
	return nil
}

// Free returns an error that wraps ErrExists if the name is given already.
func (w Wallets) Free(name string) error {
	name, err := CheckName(name)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(w.nameFile(name)); err == nil {
		return fmt.Errorf("name %s: %w", name, ErrExists)
	}
	return nil
}

// FreeFor is Free for the address of a wallet: a name that it has already is free for it.
func (w Wallets) FreeFor(name string, a consensus.Address) error {
	err := w.Free(name)
	if known, findErr := w.Find(name); errors.Is(err, ErrExists) && findErr == nil && known.Address == a {
		return nil
	}
	return err
}

func (w Wallets) nameFile(name string) string { return filepath.Join(w.Dir, name+nameSuffix) }

func (w Wallets) writeName(name string, a consensus.Address) error {
	err := atomicfile.Create(w.nameFile(name), 0o600, []byte(a.String()+"\n"+checkValue(name, a.String())+"\n"))
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("name %s: %w", name, ErrExists)
	case err != nil:
		return fmt.Errorf("name %s was not saved: %w", name, err)
	}
	return nil
}

// checkValue is the second line of a name's file: nearly every text of 52 characters is an address, so one changed bit would send money to
// an address without a key.
func checkValue(name, address string) string {
	sum := sha256.Sum256([]byte("kuai-name-1\n" + name + "\n" + address))
	return hex.EncodeToString(sum[:8])
}

// readName returns the address with that name. Files of earlier versions have no check value. Errors wrap ErrNotFound or ErrDamaged.
func (w Wallets) readName(name string) (consensus.Address, error) {
	path := w.nameFile(name)
	text, err := readFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return consensus.Address{}, fmt.Errorf("name %s: %w", name, ErrNotFound)
	case err != nil && !errors.Is(err, ErrDamaged):
		return consensus.Address{}, fmt.Errorf("name %s: %w", name, err)
	}
	if lines := strings.Fields(string(text)); err == nil && (len(lines) == 1 || len(lines) == 2 && lines[1] == checkValue(name, lines[0])) {
		if a, err := consensus.ParseAddress(lines[0]); err == nil {
			return a, nil
		}
	}
	return consensus.Address{}, fmt.Errorf("name %s: %w: restore %s from a copy, or delete it and name the address again", name, ErrDamaged, path)
}
