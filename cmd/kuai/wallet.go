package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"kuai/chain/canonical"
	"kuai/chain/consensus"
	"kuai/chain/wallet"
	"kuai/rpc/api"
)

// newWallet makes the verbs for keys that sign payments. All but unlock and lock work on files and ask no node.
func newWallet() *cobra.Command {
	c := &cobra.Command{
		Use:   "wallet",
		Short: "Keep keys behind a password, and sign payments with them",
		Long: "Keep keys behind a password, and sign payments with them. A wallet is a file of this machine with one key; its address is the\n" +
			"key's public half. On a secure network 'kuai send' pays from it, or the node signs while it is unlocked. Payments of\n" +
			"the tutorial's network carry no signature: there 'kuai send' needs no wallet.",
		Example: "  kuai wallet new alice\n  kuai wallet list",
		Args:    knownVerb,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newWalletNew(), newWalletList(), newWalletShow(), newWalletImport(), newWalletExport(), newWalletName(),
		newWalletSign(), newWalletVerify(), newWalletUnlock(), newWalletLock())
	return c
}

// walletFlags are those that every wallet verb has.
type walletFlags struct {
	dir  string
	json bool
}

func (f *walletFlags) bind(c *cobra.Command) {
	f.bindDir(c)
	c.Flags().BoolVar(&f.json, "json", false, "print JSON")
}

// bindDir is bind for verbs that have --json already.
func (f *walletFlags) bindDir(c *cobra.Command) {
	pathVar(c.Flags(), &f.dir, "wallet-dir", "", "`directory` of wallets and names (default $XDG_DATA_HOME/kuai/wallets)")
}

func (f *walletFlags) wallets() (wallet.Wallets, error) {
	if f.dir != "" {
		return wallet.Wallets{Dir: f.dir}, nil
	}
	home, err := dataHome()
	return wallet.Wallets{Dir: filepath.Join(home, "kuai", "wallets")}, err
}

// checkNew refuses what no wallet can be called. A node's own directory, which --wallet-dir names, has the wallet for its rewards.
func (f *walletFlags) checkNew(name string) error {
	name, err := wallet.CheckName(name)
	if err == nil && name == rewardWallet && f.dir == "" {
		err = fmt.Errorf("name %s: it means the wallet that a node keeps its rewards in: choose another name", name)
	}
	if err != nil {
		return usageError{err}
	}
	return nil
}

// lookUp returns the entry of a name or an address. ok is false if it is not known here. The error says that it is, and is damaged.
func (f *walletFlags) lookUp(ref string) (e wallet.Entry, ok bool, damaged error) {
	w, err := f.wallets()
	if err == nil {
		e, err = w.Find(ref)
	}
	if errors.Is(err, wallet.ErrDamaged) {
		damaged = err
	}
	return e, err == nil, damaged
}

// named returns payments with the names that addresses have here in place of them, to be read by people. A name of a classic network is
// not an address, and stays.
func (f *walletFlags) named(payments []api.Payment) []api.Payment {
	names := f.names()
	shown := slices.Clone(payments)
	for i := range shown {
		for _, account := range []*string{&shown[i].Sender, &shown[i].Recipient} {
			if name, ok := names[*account]; ok {
				*account = name
			}
		}
	}
	return shown
}

// names returns the names of addresses: those on this machine, and those of the development accounts. A name here hides an account's.
func (f *walletFlags) names() map[string]string {
	names, here := make(map[string]string), make(map[string]bool)
	if w, err := f.wallets(); err == nil {
		all, _ := w.List() // names are for show
		for _, e := range all {
			here[e.Name] = true
			if e.Name != "" && !e.Damaged && names[e.Address.String()] == "" {
				names[e.Address.String()] = e.Name
			}
		}
	}
	for _, name := range wallet.DevelopmentNames {
		if address := wallet.DevelopmentKey(name).Address().String(); !here[name] && names[address] == "" {
			names[address] = name
		}
	}
	return names
}

// walletInfo is what the verbs print of a wallet or a named address.
type walletInfo struct {
	Name    string `json:"name"` // "" if it has none
	Address string `json:"address"`
	File    string `json:"file,omitempty"`    // of the key, if it is here
	Words   string `json:"words,omitempty"`   // that stand for the key, once
	Damaged bool   `json:"damaged,omitempty"` // the key's file; or the name's: the address is not known then, and ""
}

func infoOf(w wallet.Wallets, e wallet.Entry) walletInfo {
	if e.Damaged {
		return walletInfo{Name: e.Name, Damaged: true}
	}
	i := walletInfo{Name: e.Name, Address: e.Address.String(), Damaged: e.KeyDamaged}
	if e.HasKey {
		i.File = w.KeyFile(e.Address)
	}
	return i
}

func (f *walletFlags) print(c *cobra.Command, i walletInfo) error {
	w := c.OutOrStdout()
	if f.json {
		return printJSON(w, i)
	}
	l := languageFor(c)
	_, err := fmt.Fprintf(w, "%s%s\n%s%s\n%s%s\n", l.label("name"), orNone(i.Name), l.label("address"), i.Address, l.label("key"), orNone(i.File))
	if err == nil && i.Damaged {
		_, err = fmt.Fprintln(w, l.text(fmt.Sprintf("The file of the key is damaged. Restore it from a copy, or from its words with 'kuai wallet import %s'.", cmp.Or(i.Name, "NAME"))))
	}
	if err == nil && i.Words != "" {
		_, err = fmt.Fprintf(w, "%s%s\n%s\n", l.label("words"), i.Words,
			l.text("Write the words down and keep them secret: they open the account without file and password, and are not shown again."))
	}
	return err
}

func orNone(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// keepFlags are those of the verbs that make a wallet.
type keepFlags struct {
	walletFlags
	passwordFlags
	work int
}

func (f *keepFlags) bind(c *cobra.Command) {
	f.walletFlags.bind(c)
	f.passwordFlags.bind(c)
	c.Flags().IntVar(&f.work, "work", wallet.DefaultWork, fmt.Sprintf("what a guess of the password costs: 2^`n` KiB of memory, n from %d to %d", wallet.MinWork, wallet.MaxWork))
}

// place returns the directory, if name can be given to a wallet.
func (f *keepFlags) place(name string) (wallet.Wallets, error) {
	if f.work < wallet.MinWork || f.work > wallet.MaxWork {
		return wallet.Wallets{}, usageError{fmt.Errorf("--work %d: want %d..%d", f.work, wallet.MinWork, wallet.MaxWork)}
	}
	if err := f.checkNew(name); err != nil {
		return wallet.Wallets{}, err
	}
	return f.wallets()
}

// keep saves key under name and prints what is there then.
func (f *keepFlags) keep(c *cobra.Command, w wallet.Wallets, name string, key wallet.Key, password, words string) error {
	if err := w.Create(name, key, password, f.work); err != nil {
		return err
	}
	e, err := w.Find(name)
	if err != nil {
		return err
	}
	i := infoOf(w, e)
	i.Words = words
	return f.print(c, i)
}

func newWalletNew() *cobra.Command {
	var f keepFlags
	var language string
	c := &cobra.Command{
		Use:     "new NAME",
		Short:   "Make a key, keep it in a wallet, and show its 12 words",
		Example: "  kuai wallet new alice\n  kuai wallet new 小明 --words chinese",
		Args:    arguments(1, 1),
	}
	f.bind(c)
	c.Flags().StringVar(&language, "words", "english", "`language` of the words: english or chinese")
	c.RunE = func(c *cobra.Command, args []string) error {
		w, err := f.place(args[0])
		if err == nil {
			err = w.Free(args[0]) // before a password is asked for
		}
		if err != nil {
			return err
		}
		words, err := wallet.NewWords(language)
		if err != nil {
			return usageError{err}
		}
		key, err := wallet.KeyOfWords(words)
		if err != nil {
			return err
		}
		password, err := f.choose(c)
		if err != nil {
			return err
		}
		return f.keep(c, w, args[0], key, password, words)
	}
	return c
}

func newWalletList() *cobra.Command {
	var f walletFlags
	c := &cobra.Command{
		Use:     "list",
		Short:   "List wallets and named addresses",
		Example: "  kuai wallet list",
		Args:    arguments(0, 0),
	}
	f.bind(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		w, err := f.wallets()
		if err != nil {
			return err
		}
		entries, err := w.List()
		if err != nil {
			return err
		}
		all := make([]walletInfo, 0, len(entries))
		for _, e := range entries {
			all = append(all, infoOf(w, e))
		}
		if f.json {
			return printJSON(c.OutOrStdout(), all)
		}
		return printWallets(c.OutOrStdout(), languageFor(c), all)
	}
	return c
}

func printWallets(w io.Writer, l language, all []walletInfo) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, l.text("No wallets yet: make one with 'kuai wallet new NAME'."))
		return err
	}
	table := newTable(w)
	for _, i := range all {
		key := "no key here"
		switch {
		case i.Damaged:
			key = "damaged: see 'kuai wallet show " + cmp.Or(i.Name, i.Address) + "'"
		case i.File != "":
			key = "wallet"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", orNone(i.Name), orNone(i.Address), l.text(key))
	}
	return table.Flush()
}

func newWalletShow() *cobra.Command {
	var f walletFlags
	c := &cobra.Command{
		Use:     "show NAME|ADDRESS",
		Short:   "Print the name, the address and the file of a wallet",
		Example: "  kuai wallet show alice",
		Args:    arguments(1, 1),
	}
	f.bind(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		w, err := f.wallets()
		if err != nil {
			return err
		}
		e, err := find(w, args[0])
		if err != nil {
			return err
		}
		return f.print(c, infoOf(w, e))
	}
	return c
}

// find returns the entry that ref names. A text that can be neither name nor address is a mistake of usage.
func find(w wallet.Wallets, ref string) (wallet.Entry, error) {
	if _, err := consensus.ParseAddress(ref); err != nil {
		if _, nameErr := wallet.CheckName(ref); nameErr != nil {
			return wallet.Entry{}, usageError{fmt.Errorf("%s: want a name or an address: %w", canonical.Quote(ref), err)}
		}
	}
	return w.Find(ref)
}

func newWalletName() *cobra.Command {
	var f walletFlags
	c := &cobra.Command{
		Use:     "name NAME|ADDRESS NEW-NAME",
		Short:   "Call an address by a name, or a wallet by another one",
		Long:    "Call an address by a name, or what has a name by another one. Names are on this machine only. An address has no checksum:\nname it once, and the name is what you have to spell.",
		Example: "  kuai wallet name 12D3KooWMCJ4eUwhryEMhjmGc1BQ5PU8tVNUuS19kWyDzvgmH7uD bob\n  kuai wallet name bob robert",
		Args:    arguments(2, 2),
	}
	f.bind(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := f.checkNew(args[1]); err != nil {
			return err
		}
		w, err := f.wallets()
		if err != nil {
			return err
		}
		e, err := find(w, args[0])
		switch {
		case err != nil:
		case e.Name != "":
			err = w.Rename(e.Name, args[1])
		default:
			err = w.Name(e.Address, args[1])
		}
		if err == nil {
			e, err = w.Find(args[1])
		}
		if err != nil {
			return err
		}
		return f.print(c, infoOf(w, e))
	}
	return c
}

// readSmall reads a file, standard input for "-", of at most most bytes.
func readSmall(name string, most int64) ([]byte, error) {
	if name == "-" {
		return readAtMost(os.Stdin, most)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAtMost(f, most)
}

func readAtMost(r io.Reader, most int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("there are more than %d bytes", most)
	}
	return text, err
}

// readSmallText reads a file in any encoding that editors save text in.
func readSmallText(name string, most int64) ([]byte, error) {
	text, err := readSmall(name, most)
	if err == nil {
		text, err = canonical.DecodeText(text)
	}
	return text, err
}
