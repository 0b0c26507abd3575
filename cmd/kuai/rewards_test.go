package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kuai/chain/consensus"
	"kuai/chain/wallet"
)

func TestRewardsGoToAWalletOfTheNode(t *testing.T) {
	var said strings.Builder
	log := slog.New(slog.NewTextHandler(&said, nil))
	cfg := Config{DataDir: filepath.Join(t.TempDir(), "data")}
	first, err := rewardAddress(cfg, newKeyring(consensus.Secure()), "node", log)
	if err != nil || first == "node" {
		t.Fatalf("rewards go to %s, %v", first, err)
	}
	if again, err := rewardAddress(cfg, newKeyring(consensus.Secure()), "node", log); err != nil || again != first {
		t.Errorf("after a restart they go to %s, %v", again, err)
	}
	dir := filepath.Join(cfg.DataDir, walletsDir)
	text, err := os.ReadFile(filepath.Join(dir, rewardPassword))
	if err != nil {
		t.Fatal(err)
	}
	password := strings.TrimSpace(string(text))
	key, err := wallet.Wallets{Dir: dir}.Open(rewardWallet, password)
	if err != nil || key.Address().String() != first {
		t.Errorf("the wallet has %v, %v", key, err)
	}
	if seed := key.Seed(); strings.Contains(said.String(), password) || strings.Contains(said.String(), fmt.Sprintf("%x", seed)) || !strings.Contains(said.String(), first) {
		t.Errorf("the log says %s", &said)
	}
	if got, err := rewardAddress(Config{Reward: "me", DataDir: dir}, newKeyring(consensus.Secure()), "node", log); err != nil || got != "me" {
		t.Errorf("with --reward: %s, %v", got, err)
	}
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	alice := wallet.DevelopmentKey("alice").Address().String()
	for rules, warns := range map[*consensus.Rules]bool{consensus.Secure(): true, consensus.Dev(): false} {
		said.Reset()
		if _, err := rewardAddress(Config{Reward: alice}, newKeyring(rules), "node", log); err != nil || strings.Contains(said.String(), "check every character") != warns {
			t.Errorf("rewards to an address of %s: %v; the log says %s", rules.Name, err, &said)
		}
	}
	w, err := new(walletFlags).wallets()
	if err == nil {
		err = w.Name(wallet.DevelopmentKey("alice").Address(), "friend")
	}
	said.Reset()
	if _, startErr := rewardAddress(Config{Reward: alice}, newKeyring(consensus.Secure()), "node", log); errors.Join(err, startErr) != nil || said.Len() > 0 {
		t.Errorf("rewards to an address that has a name: %v, %v; the log says %s", err, startErr, &said)
	}
	if got, err := rewardAddress(cfg, nil, "node", log); err != nil || got != "node" {
		t.Errorf("on a classic network: %s, %v", got, err)
	}
}

// TestRewardByName: --reward takes the name of a wallet, or of a development account, on secure networks alone.
func TestRewardByName(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	w, err := new(walletFlags).wallets()
	if err != nil {
		t.Fatal(err)
	}
	key := wallet.DevelopmentKey("somebody")
	for _, name := range []string{"ann", "bob"} {
		if err := w.Name(key.Address(), name); err != nil {
			t.Fatal(err)
		}
	}
	ann, alice := key.Address().String(), wallet.DevelopmentKey("alice").Address().String()
	for _, c := range []struct{ network, word, address, says string }{
		{secureNetwork, "ann", ann, ""},
		{secureNetwork, ann, ann, ""},
		{devNetwork, "ann", ann, ""},
		{devNetwork, "alice", alice, ""},
		{secureNetwork, "alice", "", "no wallet of this machine has that name"},
		{devNetwork, "bob", "", "give the address of the one you mean"},
		{classic, "ann", "ann", ""},
	} {
		cfg := Config{Network: c.network, Reward: c.word}
		_, err := cfg.rules()
		switch {
		case c.says == "" && (err != nil || cfg.Reward != c.address):
			t.Errorf("%s on %s: %q, %v, want %s", c.word, c.network, cfg.Reward, err, c.address)
		case c.says != "" && (err == nil || !strings.HasPrefix(err.Error(), "--reward: ") || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s on %s: %v, want %s", c.word, c.network, err, c.says)
		}
	}
}

// TestTheNodeSpendsItsRewards as long as the password of their wallet is beside it, or the wallet is in memory.
func TestTheNodeSpendsItsRewards(t *testing.T) {
	var said strings.Builder
	log := slog.New(slog.NewTextHandler(&said, nil))
	signs := func(cfg Config) bool {
		keys := newKeyring(consensus.Secure())
		address, err := rewardAddress(cfg, keys, "node", log)
		if err != nil {
			t.Fatal(err)
		}
		named, ok := keys.Named(rewardWallet)
		_, signed := keys.Sign("0123456789abcdef-2", consensus.Transaction{Sender: address, Recipient: address, Amount: "1", HasID: true})
		if ok != signed || ok && named != address || len(keys.Unlocked()) == 1 != ok {
			t.Errorf("named %s %v, signs %v, unlocked %v", named, ok, signed, keys.Unlocked())
		}
		return signed
	}
	cfg := Config{DataDir: filepath.Join(t.TempDir(), "data")}
	for _, c := range []Config{cfg, cfg, {Ephemeral: true}} { // the second time it is there
		if !signs(c) {
			t.Errorf("the node does not sign for its rewards: %+v", c)
		}
	}
	if err := os.Remove(filepath.Join(cfg.DataDir, walletsDir, rewardPassword)); err != nil {
		t.Fatal(err)
	}
	if signs(cfg) || !strings.Contains(said.String(), "stays locked") {
		t.Errorf("without the password's file the wallet is open, or the log does not say why not: %s", &said)
	}
}

// rewardRoom is the data of a node that has made its wallet for rewards.
type rewardRoom struct {
	*testing.T
	cfg     Config
	w       wallet.Wallets
	address string
}

func newRewardRoom(t *testing.T) *rewardRoom {
	r := &rewardRoom{T: t, cfg: Config{DataDir: filepath.Join(t.TempDir(), "data")}}
	r.w.Dir = filepath.Join(r.cfg.DataDir, walletsDir)
	var err error
	if r.address, err = r.start(); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rewardRoom) start() (address string, err error) {
	return rewardAddress(r.cfg, newKeyring(consensus.Secure()), "node", slog.New(slog.DiscardHandler))
}

// must ends the test if one of the errors is one.
func (r *rewardRoom) must(errs ...error) {
	r.Helper()
	if err := errors.Join(errs...); err != nil {
		r.Fatal(err)
	}
}

// add makes another wallet in the node's directory.
func (r *rewardRoom) add(name string) {
	r.Helper()
	key, err := wallet.RandomKey()
	r.must(err, r.w.Create(name, key, "x", wallet.MinWork))
}

func (r *rewardRoom) key() string { return filepath.Join(r.w.Dir, r.address+".age") }

// rewardDamages are states of a node's wallets that it refuses to mine with, and parts of what it says.
var rewardDamages = []struct {
	want string
	do   func(*rewardRoom)
}{
	{"name rewards: the file is damaged", func(r *rewardRoom) { r.must(os.Truncate(filepath.Join(r.w.Dir, "rewards.name"), 20)) }},
	{"the key of 12D3KooW", func(r *rewardRoom) { r.must(os.Remove(r.key())) }},
	{".age: the file is damaged", func(r *rewardRoom) { r.must(os.Truncate(r.key(), 20)) }},
	{"the password is wrong", func(r *rewardRoom) {
		r.must(os.WriteFile(filepath.Join(r.w.Dir, rewardPassword), []byte("x\n"), 0o600))
	}},
	{"which got the rewards of this node, is not in", func(r *rewardRoom) { r.must(os.RemoveAll(r.w.Dir)) }},
	{"which got the rewards of this node, is not in", func(r *rewardRoom) { // another one does not take its place
		r.must(os.RemoveAll(r.w.Dir))
		r.add("bob")
	}},
	{"several wallets, and none is called rewards", func(r *rewardRoom) {
		r.must(r.w.Rename(rewardWallet, "mine"))
		r.add("other")
	}},
}

// TestRewardsNeedAKey: a node does not mine to an address whose key is lost, nor makes another wallet in silence.
func TestRewardsNeedAKey(t *testing.T) {
	for _, damage := range rewardDamages {
		r := newRewardRoom(t)
		damage.do(r)
		address, err := r.start()
		if err == nil || !strings.Contains(err.Error(), damage.want) || !strings.HasSuffix(err.Error(), "Or name an address by --reward") {
			t.Fatalf("rewards go to %s, %v, want %s", address, err, damage.want)
		}
		if zh := (language{zh: true}).text(err.Error()); strings.Contains(zh, " a copy") || strings.Contains(zh, "the ") {
			t.Errorf("half in Chinese: %s", zh)
		}
		r.cfg.Reward = r.address
		if _, err := r.start(); err != nil {
			t.Errorf("%s, with --reward: %v", damage.want, err)
		}
	}
}

// TestRenamedRewards: the only wallet of a node is that of its rewards, whatever its names, and others do not matter beside one called rewards.
func TestRenamedRewards(t *testing.T) {
	r := newRewardRoom(t)
	key, err := wallet.RandomKey()
	r.must(err, r.w.Rename(rewardWallet, "mine"), r.w.Name(key.Address(), "friend"))
	e, err := r.w.Find("mine")
	r.must(err, r.w.Name(e.Address, "too"))
	if again, err := r.start(); err != nil || again != r.address {
		t.Errorf("after renaming they go to %s, %v, want %s", again, err, r.address)
	}
	r.must(r.w.Rename("mine", rewardWallet))
	r.add("other")
	if again, err := r.start(); err != nil || again != r.address {
		t.Errorf("beside another wallet they go to %s, %v, want %s", again, err, r.address)
	}
}
