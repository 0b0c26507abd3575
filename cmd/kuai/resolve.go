package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"kuai/rpc"
	"kuai/rpc/api"
)

// resolveTime is how long 'kuai resolve' waits: the node takes at most 10 s.
const resolveTime = 30 * time.Second

// resolvedInfo is what 'kuai resolve' prints.
type resolvedInfo struct {
	Message  string `json:"message"`
	Replaced bool   `json:"replaced"`
	Height   int64  `json:"height"`
	Tip      string `json:"tip"`
}

func newResolve() *cobra.Command {
	var a asking
	c := &cobra.Command{
		Use:   "resolve",
		Short: "Adopt the valid chain with most work of all peers and registered nodes now",
		Long: "Ask all peers and registered nodes for their chains now, and adopt the valid one with most work if it has more than\n" +
			"the node's own (in classic: the longest). Peers do so by themselves every second or two. A Flask node's chain is read only by this.",
		Example: "  kuai resolve\n  kuai resolve -p 5001 --json",
		Args:    arguments(0, 0),
	}
	a.bind(c)
	a.wait = resolveTime
	c.RunE = func(c *cobra.Command, _ []string) error {
		client, err := a.client(c)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(c.Context(), a.wait)
		defer cancel()
		r, err := a.resolve(ctx, client)
		switch {
		case err != nil:
			return a.explain(err)
		case a.json:
			return printJSON(c.OutOrStdout(), r)
		}
		l := languageFor(c)
		_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n%s\n", l.format("%s: %s", l.text(r.Message), counted(l, r.Height, "block")), l.format("tip %s", r.Tip))
		return err
	}
	return c
}

// resolve reads the answer's beginning only: the rest is the whole chain.
func (a *asking) resolve(ctx context.Context, client *rpc.Client) (r resolvedInfo, err error) {
	body, err := a.open(ctx, api.Path("resolveChain"), "")
	if err != nil {
		return r, err
	}
	r.Message, err = resolvedMessage(body)
	body.Close()
	if err != nil {
		return r, err
	}
	n, err := client.Node(ctx)
	r.Replaced, r.Height, r.Tip = r.Message == chainReplaced, n.Height, n.Tip
	return r, err
}

// The tutorial's messages.
const (
	chainReplaced      = "Our chain was replaced"
	chainAuthoritative = "Our chain is authoritative"
)

// resolvedMessage returns the message of an answer. Its keys are sorted: if the chain comes first, it is the node's own.
func resolvedMessage(r io.Reader) (string, error) {
	d := json.NewDecoder(r)
	open, err := d.Token()
	key, keyErr := d.Token()
	if err = errors.Join(err, keyErr); err != nil || open != json.Delim('{') {
		return "", fmt.Errorf("the answer to /nodes/resolve is not that of a kuai node: %w", errors.Join(err, errNoObject))
	}
	if key == "chain" {
		return chainAuthoritative, nil
	}
	var message string
	if err := d.Decode(&message); err != nil || key != "message" {
		return "", fmt.Errorf("the answer to /nodes/resolve is not that of a kuai node: %w", errors.Join(err, errNoObject))
	}
	return message, nil
}

var errNoObject = errors.New("want an object with a message")
