package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kuai/chain"
)

// storedFlags are the daemon's flags that say which chain a verb without a node works on. The others are read as the daemon
// reads them, from environment and --config too, and have no effect.
var storedFlags = []string{"port", "data-dir", "network", "config"}

// stored declares the flags of a verb that works on the chain of a node that does not run, and returns what reads them.
func stored(c *cobra.Command) func() (Config, *chain.Rules, error) {
	read := configured(c)
	c.Flags().VisitAll(func(f *pflag.Flag) { f.Hidden = !slices.Contains(storedFlags, f.Name) })
	c.Flags().Lookup("port").Usage = "HTTP `port` of the node whose chain it is, as its data directory goes by it"
	return func() (Config, *chain.Rules, error) {
		cfg, r, err := read()
		if err == nil && cfg.Ephemeral {
			err = usageError{errors.New("--ephemeral: such a node has nothing on disk")}
		}
		return cfg, r, err
	}
}

// withChain opens the chain in cfg's data directory for as long as use runs, and keeps a daemon out meanwhile.
func withChain(cfg Config, r *chain.Rules, use func(*chain.Chain) error) (err error) {
	unlock, err := lockDir(cfg.DataDir)
	if err != nil {
		return err
	}
	defer unlock()
	st, err := openStore(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	c, err := chain.Open(st, r, time.Now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return use(c)
}

// mustHold refuses a directory without a chain: a verb that only reads leaves nothing behind.
func mustHold(cfg Config) error {
	if _, err := os.Stat(filepath.Join(cfg.DataDir, "store")); err != nil {
		return fmt.Errorf("no chain in %s: name its directory by --data-dir, or by --port and --network: %w", cfg.DataDir, err)
	}
	return nil
}
