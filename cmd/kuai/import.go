package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"kuai/chain"
	"kuai/rpc"
)

func newImport() *cobra.Command {
	var adopt bool
	c := &cobra.Command{
		Use:   "import FILE|URL",
		Short: "Adopt a chain from a file or from another node, Flask's too",
		Long: "Adopt a chain from a file (an export, or what any node's /chain answered) or from the node at a URL, where it is longer than\n" +
			"ours, valid and of our genesis: as GET /nodes/resolve does, for a chain of any length and a node that does not run.\n" +
			"With --adopt-genesis the chain's own genesis is ours: a network file is written for it here, and a new chain begins.",
		Args: arguments(1, 1),
	}
	read := stored(c)
	c.Flags().BoolVar(&adopt, "adopt-genesis", false, "start a network of its own from the chain's genesis")
	c.RunE = func(c *cobra.Command, words []string) error {
		cfg, r, err := read()
		if err != nil {
			return err
		}
		open := sourceOf(words[0])
		if adopt {
			if cfg, r, err = adoptGenesis(c, cfg, open); err != nil {
				return err
			}
		}
		err = withChain(cfg, r, newLog(cfg, c.ErrOrStderr()), func(ours *chain.Chain) error { return importInto(c, ours, open, words[0]) })
		if err == nil && adopt {
			_, err = fmt.Fprintf(c.OutOrStdout(), "\nRun a node of this network:\n\n  %s\n", adoptedCommand(c, cfg))
		}
		return err
	}
	return c
}

// sourceOf is the chain in a file or at a URL.
func sourceOf(word string) rpc.Source {
	if strings.HasPrefix(word, "http://") || strings.HasPrefix(word, "https://") {
		return rpc.ChainAt(word)
	}
	return fileSource(word)
}

func importInto(c *cobra.Command, ours *chain.Chain, open rpc.Source, from string) error {
	show, end := counter(c.ErrOrStderr(), "importing")
	checking, checked := counter(c.ErrOrStderr(), "checking")
	before := ours.Tip().Index
	done, err := rpc.Import(c.Context(), ours, open, from, func(n, total int64) {
		if total == 0 {
			checking(n, 0)
		} else {
			show(n, total)
		}
	})
	checked()
	end()
	tip := ours.Tip()
	switch {
	case err != nil && done.Replaced:
		return fmt.Errorf("import %s: adopted up to block %d: %w", from, tip.Index, err)
	case err != nil:
		return fmt.Errorf("import %s: %w", from, err)
	case done.Replaced:
		_, err = fmt.Fprintf(c.OutOrStdout(), "Our chain was replaced: %s\ntip %s\n", count(tip.Index, "block"), tip.Hash)
	default:
		_, err = fmt.Fprintf(c.OutOrStdout(), "Our chain is authoritative: %s, and %d in the other\n", count(before, "block"), done.Length)
	}
	return err
}
