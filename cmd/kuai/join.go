package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kuai/chain/consensus"
	"kuai/cmd/kuai/invite"
)

// maxCodeWords bounds the words that a code may be typed in.
const maxCodeWords = 1024

// maxCodeText is more than a code has, in bytes, however it is spaced.
const maxCodeText = 64 << 10

// newJoin makes the verb that runs a node of the network that a code names. foreign are the names of the variables that were injected for
// others.
func newJoin(foreign []string) *cobra.Command {
	c := &cobra.Command{
		Use:   "join [CODE]",
		Short: "Run a node in the network that an invitation code names",
		Long: "Run a node as 'kuai daemon' does, in the network that the code of 'kuai invite' names, until SIGINT, SIGTERM, SIGHUP or SIGQUIT. Case,\n" +
			"spaces and dashes of the code do not matter; - reads it from standard input. It is kept beside the data: without CODE, the node goes\n" +
			"on in the network that was joined last. The flags are those of 'kuai daemon'.",
		Example: "  kuai join 4HNQ-ARB9-0410-6105-0R0W-0002-1883-R712\n  kuai join -p 5001                # again, as a second node",
		Args:    arguments(0, maxCodeWords),
	}
	read := configured(c)
	bannerJSON(c)
	for _, name := range []string{"network", "swarm-key"} { // they come from the code
		c.Flags().Lookup(name).Hidden = true
	}
	c.RunE = func(c *cobra.Command, words []string) error {
		if c.Flags().Changed("network") || c.Flags().Changed("swarm-key") {
			return usageError{errNotFromCode}
		}
		cfg, _, err := read()
		if err != nil {
			return err
		}
		i, err := invitationOf(cfg, words)
		if err != nil {
			return err
		}
		cfg, r, err := joinNetwork(cfg, i)
		if err != nil {
			return err
		}
		known, err := joinSecrets(cfg, i)
		if err != nil {
			return err
		}
		return runDaemon(c, cfg, r, known, foreign)
	}
	return c
}

var errNotFromCode = errors.New("--network and --swarm-key come from the code: leave them out, or use 'kuai daemon'")

// invitationOf reads the code that was typed, or else the one that was kept.
func invitationOf(cfg Config, words []string) (invite.Invitation, error) {
	if slices.Equal(words, []string{"-"}) {
		code, err := readSmallText("-", maxCodeText)
		if err != nil {
			return invite.Invitation{}, fmt.Errorf("join: %w", err)
		}
		words = []string{string(code)}
	}
	if len(words) > 0 {
		i, err := invite.Parse(strings.Join(words, " "))
		if err != nil {
			err = usageError{err}
		}
		return i, err
	}
	dir := cfg.DataDir
	if slices.Contains(cfg.Derived, "data-dir") {
		dir = ""
	}
	i, err := lastInvitation(dir)
	if isAbsent(err) {
		err = usageError{errNoInvitation}
	}
	return i, err
}

// joinNetwork makes cfg that of the invitation's network, and keeps the invitation unless the node keeps nothing.
func joinNetwork(cfg Config, i invite.Invitation) (Config, *consensus.Rules, error) {
	if cfg.Network != classic || cfg.SwarmKeyFile != "" {
		return cfg, nil, usageError{errNotFromCode}
	}
	r, err := i.Rules()
	if err != nil {
		return cfg, nil, err
	}
	dir, err := networkDir(r.Network())
	if slices.Contains(cfg.Derived, "data-dir") {
		cfg.DataDir = ""
	} else if !cfg.Ephemeral {
		dir, err = cfg.DataDir, nil
	}
	if err != nil && !cfg.Ephemeral {
		return cfg, nil, err
	}
	if i.File() != nil {
		cfg.Network = filepath.Join(dir, networkFileName)
	}
	if i.KeyFile() != nil {
		cfg.SwarmKeyFile = filepath.Join(dir, swarmFileName)
	}
	cfg.joined = &i
	cfg.Peers = append(slices.Clone(cfg.Peers), codeURLs(&i)...)
	if err := cfg.Validate(); err != nil {
		return cfg, nil, usageError{err}
	}
	if err := cfg.resolve(r); err != nil {
		return cfg, nil, err
	}
	if cfg.Ephemeral {
		return cfg, r, nil
	}
	return cfg, r, keepInvitation(dir, i)
}

// joinSecrets reads the token, and takes the swarm key from the code.
func joinSecrets(cfg Config, i invite.Invitation) (secrets, error) {
	cfg.SwarmKeyFile = ""
	known, err := readSecrets(cfg)
	known.swarmKey = i.KeyFile()
	if err != nil {
		err = fmt.Errorf("join: %w", err)
	}
	return known, err
}
