package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"kuai/rpc"
	"kuai/rpc/api"
)

// Bounds of 'kuai lab split', as the API has them.
const (
	usualSplit = 10 * time.Minute
	mostSplit  = time.Hour
	mostOther  = 128

	sidesTime = 30 * time.Second // until the node has asked all: one that is away is waited for
)

// newLabSplit makes the verb that splits a class's network.
func newLabSplit() *cobra.Command {
	var f asking
	var within time.Duration
	c := &cobra.Command{
		Use:   "split [PEER...]",
		Short: "Split the network in two sides: the lab nodes that joined by this node's invitation",
		Long: "Put the lab nodes that joined with 'kuai join --lab CODE', by a code of this node, on two sides that are cut off from each other. This node\n" +
			"is on side 1, and the nodes that PEER names by their ids are on side 2; without any, it is half of them. The split ends with\n" +
			"'kuai lab heal', or by itself. A node that has not agreed is on no side, and side 2 refuses it.",
		Example: "  kuai lab split --for 5m\n  kuai lab split 12D3KooWPan1bBZGNrm4EWrVqhb2QX3JJMeNA2gjg1FETs1uKi7v",
		Args:    arguments(0, mostOther),
	}
	f.bind(c)
	c.Flags().DurationVar(&within, "for", usualSplit, "after how long the split ends by itself, at most 1h")
	c.RunE = func(c *cobra.Command, words []string) error {
		switch {
		case within < time.Second || within > mostSplit:
			return usageError{fmt.Errorf("--for %v: want 1s..1h", within)}
		case within%time.Second != 0:
			return usageError{fmt.Errorf("--for %v: want whole seconds", within)}
		}
		for _, p := range words {
			if _, err := peer.Decode(p); err != nil {
				return usageError{fmt.Errorf("%q: want a peer id, as 'kuai peers' lists them", p)}
			}
		}
		return f.sides(c, func(ctx context.Context, client *rpc.Client) (api.Split, error) {
			return client.Split(ctx, api.NewSplit{Other: words, Seconds: int64(within / time.Second)})
		})
	}
	return c
}

// newLabHeal makes the verb that ends a split.
func newLabHeal() *cobra.Command {
	var f asking
	c := &cobra.Command{
		Use:     "heal",
		Short:   "End the split of the network",
		Long:    "End what 'kuai lab split' did: on the node that split the network, for all nodes. Another node leaves its side alone, at any time.",
		Example: "  kuai lab heal",
		Args:    arguments(0, 0),
	}
	f.bind(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return f.sides(c, func(ctx context.Context, client *rpc.Client) (api.Split, error) { return client.Heal(ctx) })
	}
	return c
}

// sides asks a node to split or to heal, and prints what came of it.
func (f *asking) sides(c *cobra.Command, ask func(context.Context, *rpc.Client) (api.Split, error)) error {
	client, err := f.client(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context(), max(f.patience(), sidesTime))
	defer cancel()
	v, err := ask(ctx, client)
	switch {
	case err != nil:
		return f.explain(err)
	case f.json:
		return printJSON(c.OutOrStdout(), v)
	}
	return printSides(c.OutOrStdout(), languageFor(c), v)
}

func printSides(w io.Writer, l language, v api.Split) error {
	text := l.text("The network is not split.")
	if v.Sides.Side != 0 {
		text = fmt.Sprintf(l.text("The network is split until %s. This node is on side %d."), v.Sides.Until.Local().Format(time.TimeOnly), v.Sides.Side)
	}
	if _, err := fmt.Fprintln(w, text); err != nil {
		return err
	}
	t := newTable(w)
	for _, a := range v.Asked {
		done := l.text("done")
		if a.Error != "" {
			done = a.Error
		}
		fmt.Fprintf(t, "%s\t%d\t%s\n", a.ID, a.Side, done)
	}
	return t.Flush()
}
