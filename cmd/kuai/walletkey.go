package main

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"kuai/chain/canonical"
	"kuai/chain/wallet"
)

// maxSecretFile is more than words, a seed or a wallet's file have.
const maxSecretFile = 4 << 10

func newWalletImport() *cobra.Command {
	var f keepFlags
	c := &cobra.Command{
		Use:   "import NAME [FILE]",
		Short: "Keep a key that exists in a wallet: words, a seed or a wallet's file",
		Long: "Keep a key that exists in a new wallet. FILE (- for standard input) has its words, its seed in 64 hex digits, or is a wallet's\n" +
			"file, which the password opens and which then protects the new one, too. Without FILE the words or the seed are asked for on\n" +
			"the terminal, unseen. A damaged wallet of the same key is replaced; its file stays, with .damaged behind its name.",
		Example: "  kuai wallet import alice\n  kuai wallet import alice words.txt --password-file password.txt",
		Args:    arguments(1, 2),
	}
	f.bind(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		w, err := f.place(args[0])
		if err != nil {
			return err
		}
		text, err := f.secret(c, args[1:])
		if err != nil {
			return err
		}
		key, password, err := f.keyIn(c, text, func(key wallet.Key) error { return w.FreeFor(args[0], key.Address()) })
		if err != nil {
			return err
		}
		return f.keep(c, w, args[0], key, password, "")
	}
	return c
}

// secret returns what the file holds, or what is typed if there is none.
func (f *keepFlags) secret(c *cobra.Command, files []string) ([]byte, error) {
	if len(files) == 0 {
		text, err := askHidden(c, "Words or seed: ")
		return []byte(text), err
	}
	text, err := readSmall(files[0], maxSecretFile)
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	return text, nil
}

// keyIn returns the key that text is, and the password of the wallet for it. A new password is chosen only if free allows the key.
func (f *keepFlags) keyIn(c *cobra.Command, text []byte, free func(wallet.Key) error) (key wallet.Key, password string, err error) {
	if wallet.IsFile(text) {
		if password, err = f.ask(c); err == nil {
			key, err = wallet.OpenFile(text, password)
		}
		return key, password, err
	}
	if text, err = canonical.DecodeText(text); err != nil {
		return key, "", err
	}
	if key, err = keyOfText(bytes.TrimSpace(text)); err == nil {
		err = free(key)
	}
	if err == nil {
		password, err = f.choose(c)
	}
	return key, password, err
}

// keyOfText reads a seed or words. The error shows neither.
func keyOfText(text []byte) (wallet.Key, error) {
	var seed [wallet.SeedBytes]byte
	if n := hex.DecodedLen(len(text)); n == len(seed) && !bytes.ContainsAny(text, " \t\r\n") {
		if _, err := hex.Decode(seed[:], text); err == nil {
			return wallet.NewKey(seed), nil
		}
	}
	if isHex(text) {
		return wallet.Key{}, fmt.Errorf("found %d hex digits, want a seed of %d, or words", len(text), hex.EncodedLen(len(seed)))
	}
	return wallet.KeyOfWords(string(text))
}

// isHex reports whether text is hex digits, and some of them.
func isHex(text []byte) bool {
	return len(text) > 0 && len(bytes.Trim(text, "0123456789abcdefABCDEF")) == 0
}

func newWalletExport() *cobra.Command {
	var f walletFlags
	var p passwordFlags
	c := &cobra.Command{
		Use:   "export NAME|ADDRESS",
		Short: "Print the secret seed of a wallet, 64 hex digits",
		Long: "Print the secret seed of a wallet, 64 hex digits, which 'kuai wallet import' reads. Who has it has the account. To move a wallet\n" +
			"with its password, copy its file instead ('kuai wallet show').",
		Example: "  kuai wallet export alice > seed.txt",
		Args:    arguments(1, 1),
	}
	f.bind(c)
	p.bind(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		key, err := openWallet(c, &f, &p, args[0])
		if err != nil {
			return err
		}
		seed := key.Seed()
		if f.json {
			return printJSON(c.OutOrStdout(), map[string]string{"address": key.Address().String(), "seed": hex.EncodeToString(seed[:])})
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "%x\n", seed)
		return err
	}
	return c
}

// openWallet asks for the password of the wallet that ref names, and opens it.
func openWallet(c *cobra.Command, f *walletFlags, p *passwordFlags, ref string) (wallet.Key, error) {
	w, err := f.wallets()
	if err != nil {
		return wallet.Key{}, err
	}
	e, err := find(w, ref)
	if err != nil {
		return wallet.Key{}, err
	}
	if !e.HasKey {
		return wallet.Key{}, fmt.Errorf("the key of %s is not on this machine: there is no %s", ref, w.KeyFile(e.Address))
	}
	password := "none opens it"
	if !e.KeyDamaged {
		password, err = p.ask(c)
	}
	if err != nil {
		return wallet.Key{}, err
	}
	key, err := w.Open(e.Address.String(), password)
	if errors.Is(err, wallet.ErrDamaged) {
		err = fmt.Errorf("%w. Restore it from a copy, or from its words with 'kuai wallet import %s'", err, cmp.Or(e.Name, "NAME"))
	}
	return key, err
}
