package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kuai/rpc"
)

func newPending() *cobra.Command {
	return verb("pending", "List the payments that wait for a block",
		func(ctx context.Context, c *rpc.Client) (rpc.PendingInfo, error) { return c.Pending(ctx) }, printPending)
}

func printPending(w io.Writer, p rpc.PendingInfo) error {
	if err := printPayments(w, p.Transactions); err != nil {
		return err
	}
	if more := p.Count - len(p.Transactions); more > 0 {
		_, err := fmt.Fprintf(w, "and %d more\n", more)
		return err
	}
	return nil
}
