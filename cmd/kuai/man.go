package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newMan makes the verb for those who package kuai.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write the manual pages into a directory",
		Long:    "Write the manual pages, one for each command, into a directory. SOURCE_DATE_EPOCH is their date if it is set.",
		Example: "  kuai man man1 && man -l man1/kuai-mine.1",
		Hidden:  true,
		Args:    arguments(1, 1),
		RunE: func(c *cobra.Command, words []string) error {
			if err := os.MkdirAll(words[0], 0o755); err != nil { //nolint:gosec // manual pages are for everybody
				return fmt.Errorf("manual pages: %w", err)
			}
			root := c.Root()
			root.DisableAutoGenTag = true // it would hold the date
			if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: agent(), Manual: "kuai"}, words[0]); err != nil {
				return fmt.Errorf("manual pages: %w", err)
			}
			return nil
		},
	}
}
