package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
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

// maxUnlocked is how many keys a node keeps unlocked, beside those of development accounts.
const maxUnlocked = 64

// keyring holds the keys that a node signs payments with. It implements rpc.Keys.
type keyring struct {
	named   map[string]string     // the addresses of development accounts
	devKeys map[string]wallet.Key // their keys, by address
	now     func() time.Time

	mu   sync.Mutex
	keys map[string]unlockedKey // by address
}

type unlockedKey struct {
	key   wallet.Key
	until time.Time
}

// newKeyring returns a ring for the network with these rules. On the development network it has the keys that everybody has.
func newKeyring(r *consensus.Rules) *keyring {
	k := &keyring{named: map[string]string{}, devKeys: map[string]wallet.Key{}, now: time.Now, keys: map[string]unlockedKey{}}
	if !isDev(r.Network()) {
		return k
	}
	for _, name := range wallet.DevelopmentNames {
		key := wallet.DevelopmentKey(name)
		k.named[name] = key.Address().String()
		k.devKeys[k.named[name]] = key
	}
	return k
}

// isDev reports whether network is the id of the built-in network for development.
func isDev(network string) bool { return network == consensus.Dev().Network() }

// Named returns the address of a development account.
func (k *keyring) Named(name string) (address string, ok bool) {
	address, ok = k.named[name]
	return address, ok
}

// Sign signs t if the key of its sender is unlocked.
func (k *keyring) Sign(network string, t consensus.Transaction) (signed consensus.Transaction, ok bool) {
	key, ok := k.devKeys[t.Sender]
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

// Unlocked lists the development accounts in their order, then the unlocked ones by address.
func (k *keyring) Unlocked() []rpc.UnlockedKey {
	var all []rpc.UnlockedKey
	for _, name := range wallet.DevelopmentNames {
		if address, ok := k.named[name]; ok {
			all = append(all, rpc.UnlockedKey{Address: address, Name: name})
		}
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
)

// rewardAddress returns who gets the rewards of the blocks that this node mines: as --reward says, or the node itself. On a secure network
// the node's identity is not its purse: it makes a wallet at the first start, whose password is in a file beside it.
func rewardAddress(cfg Config, r *consensus.Rules, nodeID string, log *slog.Logger) (string, error) {
	if cfg.Reward != "" {
		return cfg.Reward, nil
	}
	if !r.IsSecure() || cfg.Ephemeral {
		return nodeID, nil
	}
	w := wallet.Wallets{Dir: filepath.Join(cfg.DataDir, walletsDir)}
	if e, err := w.Find(rewardWallet); err == nil {
		return e.Address.String(), nil
	}
	e, err := makeRewardWallet(w)
	if err != nil {
		return "", fmt.Errorf("the wallet for rewards: %w. Or name an address by --reward", err)
	}
	log.Info("made a wallet for the rewards of mined blocks", "address", e.Address, "name", rewardWallet, "wallet_dir", w.Dir, "password_file", filepath.Join(w.Dir, rewardPassword))
	return e.Address.String(), nil
}

// ownPassword returns the password in a file that only the owner can read, and draws one if there is no such file.
func ownPassword(path string) (string, error) {
	if err := atomicfile.Create(path, []byte(rand.Text()+"\n")); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	text, err := readText(path)
	if err != nil {
		return "", err
	}
	return onePassword(string(text))
}

func makeRewardWallet(w wallet.Wallets) (e wallet.Entry, err error) {
	if err := atomicfile.Directory(w.Dir); err != nil {
		return e, err
	}
	password, err := ownPassword(filepath.Join(w.Dir, rewardPassword))
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
