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
}

const (
	keySuffix  = ".age"
	nameSuffix = ".name"
)

// KeyFile returns the path of the address's wallet.
func (w Wallets) KeyFile(a consensus.Address) string {
	return filepath.Join(w.Dir, a.String()+keySuffix)
}

// Create keeps key in a wallet of that name. Each guess of the password will take work (see DefaultWork). If it fails, nothing is kept.
func (w Wallets) Create(name string, key Key, password string, work int) error {
	name, err := CheckName(name)
	if err == nil {
		err = w.Free(name)
	}
	if err != nil {
		return err
	}
	file, err := seal(key.Seed(), password, work)
	if err != nil {
		return fmt.Errorf("wallet %s: %w", name, err)
	}
	return w.keep(name, key.Address(), file)
}

// keep writes the files of a new wallet.
func (w Wallets) keep(name string, a consensus.Address, file []byte) error {
	if err := atomicfile.Directory(w.Dir); err != nil {
		return fmt.Errorf("wallet %s: %w", name, err)
	}
	path := w.KeyFile(a)
	if err := atomicfile.Create(path, 0o600, file); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("wallet of %s: %w", a, ErrExists)
		}
		return fmt.Errorf("wallet %s was not saved: %w", name, err)
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
	return Entry{Name: name, Address: a, HasKey: w.hasKey(a)}, nil
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

func (w Wallets) hasKey(a consensus.Address) bool {
	info, err := os.Stat(w.KeyFile(a))
	return err == nil && info.Mode().IsRegular()
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
			named = append(named, Entry{Name: name, Address: a, HasKey: w.hasKey(a)})
			known[a] = true
		case !errors.Is(err, ErrNotFound) && !f.IsDir():
			named = append(named, Entry{Name: name, Damaged: true})
		}
	}
	for _, f := range files {
		text, ok := strings.CutSuffix(f.Name(), keySuffix)
		if a, err := consensus.ParseAddress(text); ok && err == nil && !known[a] {
			unnamed = append(unnamed, Entry{Address: a, HasKey: w.hasKey(a)})
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
