package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kuai/chain/consensus"
)

// storedFlags are the daemon's flags that say which chain a verb without a node works on. The others are read as the daemon
// reads them, from environment and --config too; only those of the log have an effect.
var storedFlags = []string{"port", "data-dir", "network", "config"}

// stored declares the flags of a verb that works on the chain of a node that does not run, and returns what reads them.
func stored(c *cobra.Command) func() (Config, *consensus.Rules, error) {
	read := configured(c)
	c.Flags().VisitAll(func(f *pflag.Flag) { f.Hidden = !slices.Contains(storedFlags, f.Name) })
	c.Flags().Lookup("port").Usage = "HTTP `port` of the node whose chain it is, which names its data directory"
	return func() (Config, *consensus.Rules, error) {
		cfg, r, err := read()
		if err == nil && cfg.Ephemeral {
			err = usageError{errors.New("--ephemeral: such a node has nothing on disk")}
		}
		return cfg, r, err
	}
}

// mustHold refuses a directory without a chain: a verb that only reads leaves nothing behind.
func mustHold(cfg Config) error {
	_, err := os.Stat(filepath.Join(cfg.DataDir, "store"))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no chain in %s: name its directory by --data-dir, or by --port and --network", cfg.DataDir)
	}
	return err
}
