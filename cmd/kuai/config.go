package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kuai/chain/consensus"
)

// configured declares the daemon's flags on c and returns what reads them: flag, env, file, default.
func configured(c *cobra.Command) func() (Config, *consensus.Rules, error) {
	var cfg Config
	var file string
	cfg.bind(c.Flags())
	pathVar(c.Flags(), &file, "config", "", "JSON `file` with these settings, named as the flags")
	return func() (Config, *consensus.Rules, error) {
		r, err := completeSettings(&cfg, c.Flags(), file)
		if err != nil {
			return Config{}, nil, usageError{err}
		}
		return cfg, r, nil
	}
}

// completeSettings completes cfg, whose flags and their env twins are set already.
func completeSettings(cfg *Config, fs *pflag.FlagSet, file string) (*consensus.Rules, error) {
	if file != "" {
		if err := readFile(fs, file); err != nil {
			return nil, err
		}
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	r, err := cfg.rules()
	if err != nil {
		return nil, err
	}
	return r, cfg.resolve(r)
}

func newConfig() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Print the settings that 'kuai daemon' would run with",
		Long:  "Print the settings that 'kuai daemon' would run with, given the same flags and environment.\nThe output can be given to --config. Secrets are in files: only their names are printed.",
		Args:  arguments(0, 0),
	}
	read := configured(c)
	c.Flags().Bool("json", true, "print JSON, as always")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, _, err := read()
		if err != nil {
			return err
		}
		return printJSON(c.OutOrStdout(), cfg.effective())
	}
	return c
}
