package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kuai/rpc"
	"kuai/rpc/api"
)

func newPending() *cobra.Command {
	var f walletFlags
	c := verb("pending", "List the payments that wait for a block",
		func(ctx context.Context, c *rpc.Client) (api.Pending, error) { return c.Pending(ctx) },
		func(w io.Writer, l language, p api.Pending) error {
			if err := printPayments(w, f.named(p.Transactions)); err != nil {
				return err
			}
			return printMore(w, l, p.Count-len(p.Transactions))
		})
	f.bindDir(c)
	return c
}

// printMore says how many lines are missing, if any.
func printMore(w io.Writer, l language, n int) error {
	if n <= 0 {
		return nil
	}
	_, err := fmt.Fprintln(w, l.format("and %d more", n))
	return err
}
