package wallet

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"kuai/chain/atomicfile"
	"kuai/chain/canonical"
	"kuai/chain/consensus"
)

var (
	// ErrExists says that a name or a wallet is there already. Nothing was changed.
	ErrExists = errors.New("exists already")
	// ErrNotFound says that there is no such name or wallet.
	ErrNotFound = errors.New("not found")
)

// Wallets is a directory of wallets and names. It keeps nothing in memory.
type Wallets struct{ Dir string }

// Entry is an address that is known here.
type Entry struct {
	Name    string // "" if it has none
	Address consensus.Address
	HasKey  bool // there is a wallet for it
	Damaged bool // the name's file cannot be read: the address is not known

	// KeyDamaged reports that no password opens the wallet. Damage to what the password protects shows only when it is opened.
	KeyDamaged bool
}

const (
	keySuffix     = ".age"
	nameSuffix    = ".name"
	damagedSuffix = ".damaged" // behind the whole name of a file that was replaced
)

// KeyFile returns the path of the address's wallet.
func (w Wallets) KeyFile(a consensus.Address) string {
	return filepath.Join(w.Dir, a.String()+keySuffix)
}

// Create keeps key in a wallet of that name. Each guess of the password will take work (see DefaultWork). If it fails, nothing is kept. A
// damaged file of the same key is replaced, and stays beside the new one.
func (w Wallets) Create(name string, key Key, password string, work int) error {
	name, err := CheckName(name)
	if err == nil {
		err = w.FreeFor(name, key.Address())
	}
	if err != nil {
		return err
	}
	file, err := seal(key.Seed(), password, work)
	if err != nil {
		return fmt.Errorf("wallet %s: %w", name, err)
	}
	if err := atomicfile.Directory(w.Dir); err != nil {
		return fmt.Errorf("wallet %s: %w", name, err)
	}
	aside, err := w.setAside(key.Address(), password)
	if err != nil {
		return err
	}
	if err := w.keep(name, key.Address(), file); err != nil {
		if aside != "" {
			err = errors.Join(err, os.Rename(aside, w.KeyFile(key.Address())))
		}
		return err
	}
	return nil
}

// setAside renames the file of the address's key if it is damaged, and returns its new path. A file that is not damaged stays: the error
// wraps ErrExists.
func (w Wallets) setAside(a consensus.Address, password string) (aside string, err error) {
	path := w.KeyFile(a)
	file, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	var key Key
	if err == nil {
		key, err = OpenFile(file, password)
	}
	switch {
	case err == nil && key.Address() == a:
		return "", fmt.Errorf("wallet of %s: %w", a, ErrExists)
	case errors.Is(err, ErrPassword):
		return "", fmt.Errorf("wallet of %s: %w with another password: if you do not know it, move %s away first", a, ErrExists, path)
	case err != nil && !errors.Is(err, ErrDamaged):
		return "", fmt.Errorf("wallet of %s: %w", a, err)
	}
	aside = path + damagedSuffix
	for i := 2; exists(aside); i++ {
		aside = fmt.Sprintf("%s%s.%d", path, damagedSuffix, i)
	}
	return aside, os.Rename(path, aside)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// keep writes the files of a new wallet.
func (w Wallets) keep(name string, a consensus.Address, file []byte) error {
	path := w.KeyFile(a)
	if err := atomicfile.Create(path, 0o600, file); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("wallet of %s: %w", a, ErrExists)
		}
		return fmt.Errorf("wallet %s was not saved: %w", name, err)
	}
	if known, err := w.readName(name); err == nil && known == a {
		return nil
	}
	if err := w.writeName(name, a); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// Find returns the entry of a name or an address. An address needs not be known here. Errors wrap ErrNotFound.
func (w Wallets) Find(ref string) (Entry, error) {
	if a, err := consensus.ParseAddress(ref); err == nil {
		return w.findAddress(a)
	}
	name, err := CheckName(ref)
	if err != nil {
		return Entry{}, err
	}
	a, err := w.readName(name)
	if err != nil {
		return Entry{}, err
	}
	return w.entry(name, a), nil
}

// entry returns the entry of an address with that name.
func (w Wallets) entry(name string, a consensus.Address) Entry {
	e := Entry{Name: name, Address: a}
	if info, err := os.Stat(w.KeyFile(a)); err == nil && info.Mode().IsRegular() {
		file, err := readFile(w.KeyFile(a))
		e.HasKey, e.KeyDamaged = true, errors.Is(err, ErrDamaged) || err == nil && check(file) != nil
	}
	return e
}

func (w Wallets) findAddress(a consensus.Address) (Entry, error) {
	all, err := w.List()
	for _, e := range all {
		if e.Address == a && !e.Damaged {
			return e, nil
		}
	}
	return Entry{Address: a}, err
}

// List returns what is known here: names in order, then wallets without a name. Files of other kinds are left out.
func (w Wallets) List() ([]Entry, error) {
	files, err := os.ReadDir(w.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var named, unnamed []Entry
	known := make(map[consensus.Address]bool)
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), nameSuffix)
		if checked, err := CheckName(name); !ok || err != nil || checked != name {
			continue
		}
		a, err := w.readName(name)
		switch {
		case err == nil:
			named = append(named, w.entry(name, a))
			known[a] = true
		case !errors.Is(err, ErrNotFound) && !f.IsDir():
			named = append(named, Entry{Name: name, Damaged: true})
		}
	}
	for _, f := range files {
		text, ok := strings.CutSuffix(f.Name(), keySuffix)
		if a, err := consensus.ParseAddress(text); ok && err == nil && !known[a] {
			unnamed = append(unnamed, w.entry("", a))
		}
	}
	return append(named, unnamed...), nil
}

// Open returns the key of the wallet that a name or an address refers to. Errors wrap ErrNotFound, ErrPassword or ErrDamaged.
func (w Wallets) Open(ref, password string) (Key, error) {
	e, err := w.Find(ref)
	if err != nil {
		return Key{}, err
	}
	path := w.KeyFile(e.Address)
	file, err := readFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Key{}, fmt.Errorf("wallet of %s: %w: there is no %s", canonical.Quote(ref), ErrNotFound, path)
	case err != nil:
		return Key{}, err
	}
	key, err := OpenFile(file, password)
	if err == nil && key.Address() != e.Address {
		err = fmt.Errorf("%w: it holds the key of %s", ErrDamaged, key.Address())
	}
	if err != nil {
		return Key{}, fmt.Errorf("wallet %s: %w", path, err)
	}
	return key, nil
}

// OpenFile returns the key in the bytes of a wallet's file. Errors wrap ErrPassword or ErrDamaged.
func OpenFile(file []byte, password string) (Key, error) {
	seed, err := unseal(file, password)
	if err != nil {
		return Key{}, err
	}
	return NewKey(seed), nil
}

// readFile reads a file of at most maxFile bytes.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s: %w: it has more than %d bytes", path, ErrDamaged, maxFile)
	}
	return text, err
}
