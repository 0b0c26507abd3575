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
	var asJSON bool
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, r, err := read()
		if err != nil {
			return err
		}
		if err := mustHold(cfg); err != nil {
			return err
		}
		return withChain(cfg, r, newLog(cfg, c.ErrOrStderr()), func(held *chain.Chain) error { return verify(c, held, asJSON) })
	}
	return c
}

// verifiedChain is what 'kuai verify' prints of a chain without a bad block.
type verifiedChain struct {
	Blocks int64  `json:"blocks"`
	Tip    string `json:"tip"`
}

func verify(c *cobra.Command, held *chain.Chain, asJSON bool) error {
	show, end := counter(c.ErrOrStderr(), "verifying")
	err := held.Verify(c.Context(), show)
	end()
	if err != nil {
		return err
	}
	tip := held.Tip()
	if asJSON {
		return printJSON(c.OutOrStdout(), verifiedChain{tip.Index, tip.Hash.String()})
	}
	l := languageFor(c)
	text := l.format("%s are valid", counted(l, tip.Index, "block"))
	if tip.Index == 1 {
		text = l.text("1 block is valid")
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n%s\n", text, l.format("tip %s", tip.Hash))
	return err
}
