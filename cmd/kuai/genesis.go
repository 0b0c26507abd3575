package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"kuai/chain/atomicfile"
	"kuai/chain/canonical"
	"kuai/chain/consensus"
	"kuai/rpc"
)

// adoptGenesis returns cfg and the rules of the network that another chain's genesis begins, and writes its file where there is
// none. A file that is there may have been edited since: what it says holds.
func adoptGenesis(c *cobra.Command, cfg Config, open rpc.Source) (Config, *consensus.Rules, error) {
	if cfg.Network != classic {
		return cfg, nil, usageError{errors.New("--network and --adopt-genesis exclude each other: the second makes the file that the first names")}
	}
	genesis, sealed, err := rpc.ReadGenesis(c.Context(), open)
	if err != nil {
		return cfg, nil, err
	}
	if sealed || endows(genesis) {
		return cfg, nil, errSecureGenesis
	}
	r, err := consensus.ReadRules(networkFile("flask", genesis))
	if err != nil {
		return cfg, nil, fmt.Errorf("its genesis begins no network: %w", err)
	}
	if r.Network() != consensus.Classic().Network() {
		if cfg, r, err = keepNetwork(c.OutOrStdout(), languageFor(c), cfg, genesis, r.Genesis.Hash()); err != nil {
			return cfg, nil, err
		}
	}
	if !c.Flags().Changed("data-dir") {
		cfg.DataDir = ""
	}
	return cfg, r, cfg.resolve(r)
}

// endows reports whether a first block gives to accounts, as only one of a secure network can.
func endows(genesis []byte) bool {
	r, err := consensus.ReadRules(fmt.Appendf(nil, `{"name": "secure", "profile": "secure", "genesis": %s}`, genesis))
	if err != nil {
		return false
	}
	for range r.Endowments() {
		return true
	}
	return false
}

// networkFile is the text of a network that has the classic rules, and a genesis of its own.
func networkFile(name string, genesis []byte) []byte {
	return fmt.Appendf(nil, "{\"name\": %s, \"genesis\": %s}\n", canonical.AppendString(nil, name), genesis)
}

// keepNetwork makes cfg that of the network whose genesis has this hash, and writes its file into the working directory.
func keepNetwork(out io.Writer, l language, cfg Config, genesis []byte, hash consensus.Hash) (Config, *consensus.Rules, error) {
	name := "flask-" + hash.String()[:8]
	cfg.Network = name + ".json"
	_, err := os.Stat(cfg.Network)
	if errors.Is(err, fs.ErrNotExist) {
		err = atomicfile.Replace(cfg.Network, 0o644, func(w io.Writer) error {
			_, err := w.Write(networkFile(name, genesis))
			return err
		})
		if err == nil {
			_, err = fmt.Fprintln(out, l.format("The network is in %s", cfg.Network))
		}
	}
	if err != nil {
		return cfg, nil, err
	}
	r, err := cfg.rules()
	if err == nil && r.Genesis.Hash() != hash {
		err = usageError{fmt.Errorf("%s is of another genesis: move it away", cfg.Network)}
	}
	return cfg, r, err
}

// adoptedCommand runs a node on what was adopted.
func adoptedCommand(c *cobra.Command, cfg Config) string {
	words := []string{"daemon"}
	for _, name := range []string{"port", "data-dir"} {
		if f := c.Flags().Lookup(name); f.Changed {
			words = append(words, "--"+name, f.Value.String())
		}
	}
	if cfg.Network != classic {
		words = append(words, "--network", cfg.Network)
	}
	return program(os.Executable()) + commandLine(words)
}
