package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"kuai/chain"
)

func newVerify() *cobra.Command {
	c := &cobra.Command{
		Use:   "verify",
		Short: "Check every block of a stopped node's chain",
		Long: "Check every block of a stopped node's chain as if it came from a stranger, and the indexes that lead to it.\n" +
			"The first bad block is named, with exit code 4. Exit code 3: a node runs in the directory.",
		Args: arguments(0, 0),
	}
	read := stored(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, r, err := read()
		if err != nil {
			return err
		}
		if err := mustHold(cfg); err != nil {
			return err
		}
		return withChain(cfg, r, newLog(cfg, c.ErrOrStderr()), func(held *chain.Chain) error { return verify(c, held) })
	}
	return c
}

func verify(c *cobra.Command, held *chain.Chain) error {
	show, end := counter(c.ErrOrStderr(), "verifying")
	err := held.Verify(c.Context(), show)
	end()
	if err != nil {
		return err
	}
	tip := held.Tip()
	are := "are"
	if tip.Index == 1 {
		are = "is"
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s %s valid\ntip %s\n", count(tip.Index, "block"), are, tip.Hash)
	return err
}
