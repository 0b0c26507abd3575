package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kuai/rpc"
)

func newConnect() *cobra.Command {
	return wordVerb("connect ADDRESS", "Stay connected to a node: http://host:port or a multiaddr", 1,
		func(ctx context.Context, c *rpc.Client, words []string) (rpc.Registered, error) {
			return c.Register(ctx, words[0])
		},
		func(w io.Writer, r rpc.Registered) error {
			for _, node := range r.Nodes {
				if _, err := fmt.Fprintln(w, node); err != nil {
					return err
				}
			}
			return nil
		})
}
