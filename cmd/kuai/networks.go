package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kuai/chain/atomicfile"
	"kuai/chain/canonical"
	"kuai/chain/consensus"
	"kuai/cmd/kuai/invite"
)

// newNetworkVerb makes the verbs for networks as files.
func newNetworkVerb() *cobra.Command {
	c := &cobra.Command{
		Use:   "network",
		Short: "Make a network of your own, or show the rules of one",
		Long: "Make a network of your own, or show the rules of one. All nodes of a network have the same rules, which a file holds:\n" +
			"'kuai daemon --network FILE' runs a node in it. Nodes of different networks never meet.",
		Example: "  kuai network new class-5b --endow alice=1000\n  kuai network show dev",
		Args:    knownVerb,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newNetworkNew(), newNetworkShow())
	return c
}

// networkInfo is what the verbs print of a network.
type networkInfo struct {
	Name    string `json:"name"`
	ID      string `json:"id"`
	File    string `json:"file"`
	Profile string `json:"profile"`
}

// newNetworkFlags are what a new network may be.
type newNetworkFlags struct {
	walletFlags
	profile, file, first string
	blockTime            time.Duration
	reward               int64
	zeros                int
	endow                []string
}

func newNetworkNew() *cobra.Command {
	var f newNetworkFlags
	c := &cobra.Command{
		Use:   "new NAME",
		Short: "Write the file of a new network, with a first block of its own",
		Long: "Write the file of a new network, with a first block of its own. On a secure network payments are signed, and the difficulty\n" +
			"follows the block time. On a classic one both are as in the tutorial. Give the file to all who take part.",
		Example: "  kuai network new class-5b --endow alice=1000 --endow bob=1000\n  kuai network new slow --block-time 10m --file slow.json\n  kuai network new easy --profile classic --zeros 3",
		Args:    arguments(1, 1),
	}
	f.walletFlags.bind(c)
	c.Flags().StringVar(&f.profile, "profile", string(consensus.ProfileSecure), "secure or classic")
	c.Flags().DurationVar(&f.blockTime, "block-time", consensus.SecureBlockTime, "how long a block takes on average on a secure network, whole seconds")
	c.Flags().StringVar(&f.first, "first-target", consensus.MaxTarget.String(), "what the hash of the first proofs on a secure network is at most, 64 hex `digits`")
	c.Flags().Int64Var(&f.reward, "reward", 1, "what a block's miner gets")
	c.Flags().IntVar(&f.zeros, "zeros", consensus.Classic().Zeros, "how many hex zeros the proofs of a classic network start with")
	c.Flags().StringArrayVar(&f.endow, "endow", nil, "`account=amount` that the first block of a secure network gives; a name or an address (repeatable)")
	pathVar(c.Flags(), &f.file, "file", "", "`file` to write (default NAME.json)")
	c.RunE = func(c *cobra.Command, args []string) error { return f.run(c, args[0]) }
	return c
}

func (f *newNetworkFlags) run(c *cobra.Command, name string) error {
	text, err := f.text(c, name, time.Now())
	if err != nil {
		return usageError{err}
	}
	r, err := consensus.ReadRules(text)
	if err != nil {
		return usageError{err}
	}
	file := f.file
	if file == "" {
		file = strings.Map(inFileName, strings.ToLower(name)) + ".json"
	}
	if err := atomicfile.Create(file, 0o644, text); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s exists already: name another --file", file)
		}
		return fmt.Errorf("the network was not saved: %w", err)
	}
	return f.print(c, networkInfo{Name: r.Name, ID: r.Network(), File: file, Profile: string(r.Profile)})
}

// maxBlockTime is what the rules allow at most.
const maxBlockTime = 24 * time.Hour

func inFileName(c rune) rune {
	if strings.ContainsRune("/\\:*?\"<>| ", c) || c < ' ' {
		return '-'
	}
	return c
}

func (f *newNetworkFlags) print(c *cobra.Command, i networkInfo) error {
	if f.json {
		return printJSON(c.OutOrStdout(), i)
	}
	l := languageFor(c)
	_, err := fmt.Fprintf(c.OutOrStdout(), "%s%s\n%s%s\n%s%s\n\n%s\n\n  kuai daemon --network %s\n",
		l.label("network"), i.ID, l.label("profile"), i.Profile, l.label("file"), i.File, l.text("Start a node of it:"), quote(i.File))
	return err
}

// text returns the network's file.
func (f *newNetworkFlags) text(c *cobra.Command, name string, now time.Time) ([]byte, error) {
	var secure []string // flags that mean nothing on a classic network
	for _, flag := range []string{"block-time", "first-target", "endow"} {
		if c.Flags().Changed(flag) {
			secure = append(secure, "--"+flag)
		}
	}
	switch {
	case f.profile != string(consensus.ProfileSecure) && f.profile != string(consensus.ProfileClassic):
		return nil, fmt.Errorf("--profile %s: want secure or classic", canonical.Quote(f.profile))
	case f.profile == string(consensus.ProfileClassic) && len(secure) > 0:
		return nil, fmt.Errorf("%s: a classic network has no such setting", strings.Join(secure, ", "))
	case f.profile == string(consensus.ProfileSecure) && c.Flags().Changed("zeros"):
		return nil, errors.New("--zeros: a secure network has a target instead: --first-target")
	case f.blockTime%time.Second != 0:
		return nil, fmt.Errorf("--block-time %s: want whole seconds", f.blockTime)
	case f.blockTime < time.Second || f.blockTime > maxBlockTime:
		return nil, fmt.Errorf("--block-time %s: want 1s to 24h", f.blockTime)
	}
	endowments, err := f.endowments()
	if err != nil {
		return nil, err
	}
	genesis := fmt.Sprintf(`{"index": 1, "previous_hash": "1", "proof": 100, "timestamp": %d.0, "transactions": [%s]}`, now.Unix(), strings.Join(endowments, ", "))
	text := fmt.Appendf(nil, `{"name": %s, "profile": "%s", "reward": %d, `, canonical.AppendString(nil, name), f.profile, f.reward)
	if f.profile == string(consensus.ProfileClassic) {
		return fmt.Appendf(text, `"zeros": %d, "genesis": %s}`+"\n", f.zeros, genesis), nil
	}
	return fmt.Appendf(text, `"block_seconds": %d, "first_target": %s, "genesis": %s}`+"\n", int64(f.blockTime/time.Second), canonical.AppendString(nil, f.first), genesis), nil
}

// endowments returns the first block's transactions.
func (f *newNetworkFlags) endowments() (all []string, err error) {
	w, err := f.wallets()
	if err != nil {
		return nil, err
	}
	for _, text := range f.endow {
		account, amount, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("--endow %s: want account=amount, as alice=1000", canonical.Quote(text))
		}
		if !wholeAmount(amount) {
			return nil, fmt.Errorf("--endow %s: %s", canonical.Quote(text), wantWhole)
		}
		e, err := find(w, account)
		if err != nil {
			return nil, fmt.Errorf("--endow %s: %w", canonical.Quote(text), err)
		}
		all = append(all, fmt.Sprintf(`{"amount": %s, "recipient": "%s", "sender": "0"}`, amount, e.Address))
	}
	return all, nil
}

// wholeAmount reports whether text is an amount of a secure network, in the one spelling that a number has.
func wholeAmount(text string) bool {
	v, err := canonical.Read([]byte(text))
	n, ok := v.(canonical.Number)
	i, isInt := n.Int()
	return err == nil && ok && isInt && i >= 1 && i <= consensus.MaxAmount && string(n) == text
}

func newNetworkShow() *cobra.Command {
	var f inviting
	c := &cobra.Command{
		Use:   "show [NETWORK]",
		Short: "Print the file of a network: of the node that runs, classic, secure, dev, or one of a file",
		Long: "Print the file of a network with all that it may hold: of the node that runs, or of NETWORK, which is classic, secure, dev or a\n" +
			"file. Programs that check a chain by themselves read it. It is JSON, with --json or without.",
		Example: "  kuai network show > network.json\n  kuai network show dev > dev.json\n  kuai network show class-5b.json",
		Args:    arguments(0, 1),
	}
	f.bind(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		r, err := f.rules(c, args)
		if err != nil {
			return err
		}
		_, err = c.OutOrStdout().Write(invite.NetworkFile(r))
		return err
	}
	return c
}

// rules returns the rules of the network that is named, or of the node that runs.
func (f *inviting) rules(c *cobra.Command, names []string) (*consensus.Rules, error) {
	if len(names) > 0 {
		r, err := networkRules(names[0])
		return r, usage(err)
	}
	if err := f.asking.find(c); err != nil {
		return nil, err
	}
	v, err := f.ask(c.Context())
	if err != nil {
		return nil, f.explain(err)
	}
	i, err := invite.Parse(v.Code)
	if err != nil {
		return nil, err
	}
	return i.Rules()
}

// The built-in networks beside the classic one.
const (
	secureNetwork = "secure"
	devNetwork    = "dev"
)

// networkRules returns the rules of a built-in network, or of one in a file.
func networkRules(network string) (*consensus.Rules, error) {
	switch network {
	case classic:
		return consensus.Classic(), nil
	case secureNetwork:
		return consensus.Secure(), nil
	case devNetwork:
		return consensus.Dev(), nil
	}
	text, err := readText(network)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w%s", err, didYouMean(network, []string{classic, secureNetwork, devNetwork}))
	}
	if err != nil {
		return nil, err
	}
	r, err := consensus.ReadRules(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", network, err)
	}
	return r, nil
}

// isBuiltIn reports whether a network is known by its name.
func isBuiltIn(network string) bool {
	return network == classic || network == secureNetwork || network == devNetwork
}
