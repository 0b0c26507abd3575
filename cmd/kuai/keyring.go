package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"kuai/chain/atomicfile"
	"kuai/chain/consensus"
	"kuai/chain/wallet"
	"kuai/rpc"
)

// maxUnlocked is how many keys a node keeps unlocked, beside its own.
const maxUnlocked = 64

// keyring holds the keys that a node signs payments with. It implements rpc.Keys.
type keyring struct {
	names []string              // of the accounts whose keys are never locked: the node's own, and development accounts
	named map[string]string     // their addresses
	own   map[string]wallet.Key // their keys, by address
	now   func() time.Time

	mu   sync.Mutex
	keys map[string]unlockedKey // by address
}

type unlockedKey struct {
	key   wallet.Key
	until time.Time
}

// newKeyring returns a ring for the network with these rules. On the development network it has the keys that everybody has.
func newKeyring(r *consensus.Rules) *keyring {
	k := &keyring{named: map[string]string{}, own: map[string]wallet.Key{}, now: time.Now, keys: map[string]unlockedKey{}}
	if isDev(r.Network()) {
		for _, name := range wallet.DevelopmentNames {
			k.keep(name, wallet.DevelopmentKey(name))
		}
	}
	return k
}

// keep adds a key that is never locked. It is called before the ring is used.
func (k *keyring) keep(name string, key wallet.Key) {
	address := key.Address().String()
	k.names = append(k.names, name)
	k.named[name], k.own[address] = address, key
}

// isDev reports whether network is the id of the built-in network for development.
func isDev(network string) bool { return network == consensus.Dev().Network() }

// Named returns the address of an account whose key is never locked.
func (k *keyring) Named(name string) (address string, ok bool) {
	address, ok = k.named[name]
	return address, ok
}

// knows reports whether an address has a name or a wallet on this machine, or a key in the ring.
func (k *keyring) knows(address string) bool {
	_, own := k.own[address]
	e, _, _ := new(walletFlags).lookUp(address)
	return own || e.Name != "" || e.HasKey
}

// Sign signs t if the key of its sender is unlocked.
func (k *keyring) Sign(network string, t consensus.Transaction) (signed consensus.Transaction, ok bool) {
	key, ok := k.own[t.Sender]
	if !ok {
		key, ok = k.unlocked(t.Sender)
	}
	if !ok {
		return t, false
	}
	return key.Sign(network, t), true
}

func (k *keyring) unlocked(address string) (key wallet.Key, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgetOld()
	u, ok := k.keys[address]
	return u.key, ok
}

// forgetOld forgets the keys whose time is over. The caller holds mu.
func (k *keyring) forgetOld() {
	now := k.now()
	for address, u := range k.keys {
		if !now.Before(u.until) {
			delete(k.keys, address)
		}
	}
}

// Unlock keeps the key with that seed until then.
func (k *keyring) Unlock(seed [rpc.SeedBytes]byte, until time.Time) (address string, err error) {
	key := wallet.NewKey(seed)
	address = key.Address().String()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgetOld()
	if _, known := k.keys[address]; !known && len(k.keys) == maxUnlocked {
		return "", fmt.Errorf("%d keys: %w", maxUnlocked, rpc.ErrKeysFull)
	}
	k.keys[address] = unlockedKey{key, until}
	return address, nil
}

// Lock forgets a key.
func (k *keyring) Lock(address string) (ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgetOld()
	_, ok = k.keys[address]
	delete(k.keys, address)
	return ok
}

// Unlocked lists the accounts whose keys are never locked, then the others by address.
func (k *keyring) Unlocked() []rpc.UnlockedKey {
	var all []rpc.UnlockedKey
	for _, name := range k.names {
		all = append(all, rpc.UnlockedKey{Address: k.named[name], Name: name})
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgetOld()
	first := len(all)
	for address, u := range k.keys {
		all = append(all, rpc.UnlockedKey{Address: address, Until: u.until})
	}
	slices.SortFunc(all[first:], func(a, b rpc.UnlockedKey) int { return strings.Compare(a.Address, b.Address) })
	return all
}

// The node's own wallet for rewards, in its data directory.
const (
	rewardWallet   = "rewards"
	walletsDir     = "wallets"
	rewardPassword = "password.txt"
	rewardFile     = "rewards.address" // in the data directory: the wallet's address, so that its loss is seen
)

// rewardAddress returns the address that gets the rewards of the blocks that this node mines: as --reward says, or the node's own. On a
// secure network, where keys is not nil, the node's identity is not its purse: it makes a wallet at the first start, and keeps its key
// unlocked if the password is in a file beside the wallet. It fails if the key is lost: nobody could spend the rewards.
func rewardAddress(cfg Config, keys *keyring, nodeID string, log *slog.Logger) (string, error) {
	if cfg.Reward != "" {
		if keys != nil && !keys.knows(cfg.Reward) {
			log.Warn("the address for rewards has no name on this machine, and no checksum: check every character, as rewards to a wrong address are lost", "address", cfg.Reward)
		}
		return cfg.Reward, nil
	}
	if keys == nil {
		return nodeID, nil
	}
	if cfg.Ephemeral {
		key, err := wallet.RandomKey()
		if err == nil {
			keys.keep(rewardWallet, key)
		}
		return key.Address().String(), err
	}
	w := wallet.Wallets{Dir: filepath.Join(cfg.DataDir, walletsDir)}
	passwordFile := filepath.Join(w.Dir, rewardPassword)
	e, err := findRewardWallet(w)
	if err == nil || errors.Is(err, wallet.ErrNotFound) {
		err = checkRewardLoss(cfg.DataDir, w.Dir, e)
	}
	if err == nil && !e.HasKey {
		if e, err = makeRewardWallet(w, passwordFile); err == nil {
			log.Info("made a wallet for the rewards of mined blocks", "address", e.Address, "name", rewardWallet, "wallet_dir", w.Dir, "password_file", passwordFile)
		}
	}
	if err != nil {
		return "", fmt.Errorf("the wallet for rewards: %w. Or name an address by --reward", err)
	}
	if err := rememberReward(filepath.Join(cfg.DataDir, rewardFile), e.Address.String()+"\n"); err != nil {
		return "", fmt.Errorf("the address of the wallet for rewards was not saved: %w", err)
	}
	key, err := openRewardWallet(w, e, passwordFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		log.Warn("the wallet for rewards stays locked: kuai wallet unlock opens it", "address", e.Address, "wallet_dir", w.Dir, "error", err)
	case err != nil:
		return "", fmt.Errorf("the wallet for rewards: %w. Restore the files in %s from a copy. Or name an address by --reward", err, w.Dir)
	default:
		keys.keep(rewardWallet, key)
	}
	return e.Address.String(), nil
}

// checkRewardLoss refuses to make or take a wallet in place of one that is gone: the chain paid rewards to it. found has no key if there is none.
func checkRewardLoss(dataDir, wallets string, found wallet.Entry) error {
	file := filepath.Join(dataDir, rewardFile)
	text, err := readText(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	address := strings.TrimSpace(string(text))
	if found.HasKey && found.Address.String() == address {
		return nil
	}
	return fmt.Errorf("the wallet of %s, which got the rewards of this node, is not in %s. Restore it from a copy, or delete %s to begin with another wallet", address, wallets, file)
}

// rememberReward writes line to a file, unless it is there.
func rememberReward(file, line string) error {
	if text, err := os.ReadFile(file); err == nil && string(text) == line {
		return nil
	}
	return atomicfile.Write(file, []byte(line))
}

// findRewardWallet returns the wallet called rewards, or the only one in the directory: it may have been renamed. Errors wrap ErrNotFound
// if there is none yet.
func findRewardWallet(w wallet.Wallets) (wallet.Entry, error) {
	e, notFound := w.Find(rewardWallet)
	switch {
	case notFound == nil && !e.HasKey:
		return e, fmt.Errorf("the key of %s is not on this machine: there is no %s. Restore the files in %s from a copy", e.Address, w.KeyFile(e.Address), w.Dir)
	case !errors.Is(notFound, wallet.ErrNotFound):
		return e, notFound
	}
	all, err := w.List()
	if err != nil {
		return e, err
	}
	found := make(map[consensus.Address]wallet.Entry) // one wallet may have several names
	for _, e = range all {
		if e.HasKey {
			found[e.Address] = e
		}
	}
	if len(found) > 1 {
		return e, fmt.Errorf("%s has several wallets, and none is called %s: give one this name with 'kuai wallet name' and --wallet-dir", w.Dir, rewardWallet)
	}
	for _, e = range found {
		return e, nil
	}
	return e, notFound
}

// openRewardWallet returns the key of e. The error wraps fs.ErrNotExist if there is no file of its password.
func openRewardWallet(w wallet.Wallets, e wallet.Entry, passwordFile string) (key wallet.Key, err error) {
	text, err := readText(passwordFile)
	if err != nil {
		return key, err
	}
	password, err := onePassword(string(text))
	if err != nil {
		return key, err
	}
	return w.Open(e.Address.String(), password)
}

// ownPassword returns the password in a file that only the owner can read, and draws one if there is no such file.
func ownPassword(path string) (string, error) {
	if err := atomicfile.Create(path, 0o600, []byte(rand.Text()+"\n")); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	text, err := readText(path)
	if err != nil {
		return "", err
	}
	return onePassword(string(text))
}

func makeRewardWallet(w wallet.Wallets, passwordFile string) (e wallet.Entry, err error) {
	if err := atomicfile.Directory(w.Dir); err != nil {
		return e, err
	}
	password, err := ownPassword(passwordFile)
	if err != nil {
		return e, err
	}
	key, err := wallet.RandomKey()
	if err != nil {
		return e, err
	}
	if err := w.Create(rewardWallet, key, password, wallet.MinWork); err != nil { // nobody guesses a random password
		return e, err
	}
	return w.Find(rewardWallet)
}
