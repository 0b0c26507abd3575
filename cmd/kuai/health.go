package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kuai/rpc"
)

// healthInfo is what 'kuai health' prints. What is not healthy is an error.
type healthInfo struct {
	Status string `json:"status"`
}

func newHealth() *cobra.Command {
	var ready bool
	c := verb("health", "Check that the node answers: exit code 0, else 1",
		func(ctx context.Context, c *rpc.Client) (healthInfo, error) {
			return healthInfo{"ok"}, c.Health(ctx, ready)
		},
		func(w io.Writer, _ language, h healthInfo) error {
			_, err := fmt.Fprintln(w, h.Status)
			return err
		})
	c.Flags().BoolVar(&ready, "ready", false, "and has caught up with its peers")
	return c
}
