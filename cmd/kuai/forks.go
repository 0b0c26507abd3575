package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kuai/rpc"
	"kuai/rpc/api"
)

func newForks() *cobra.Command {
	c := verb("forks", "List the branches that are not on the node's chain, the longest first", askForks, printForks)
	c.Example = "  kuai forks\n  kuai block $(kuai forks --json | jq -r '.forks[0].tip.hash')"
	return c
}

func askForks(ctx context.Context, c *rpc.Client) (api.Forks, error) {
	return c.Forks(ctx)
}

func printForks(w io.Writer, l language, f api.Forks) error {
	if f.Count == 0 {
		_, err := fmt.Fprintln(w, l.text("no side branches"))
		return err
	}
	t := newTable(w)
	for _, b := range f.Forks {
		fmt.Fprintln(t, l.format("block %d\t%s\t%s after block %d of the chain\tfrom %s",
			b.Tip.Index, b.Tip.Hash, counted(l, b.Length, "block"), b.Point.Index, fromText(l, b.From, b.FromName)))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return printMore(w, l, f.Count-len(f.Forks))
}
