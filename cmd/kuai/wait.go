package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kuai/rpc"
	"kuai/rpc/api"
)

const (
	waitTime = time.Minute            // unless --timeout says otherwise
	waitLook = 200 * time.Millisecond // between two looks
)

// waiting are the flags of 'kuai wait'.
type waiting struct {
	asking
	height  int64
	peers   int
	tx      string
	timeout time.Duration
}

// waitedInfo is what 'kuai wait' prints.
type waitedInfo struct {
	Height      int64                `json:"height"`
	Peers       int                  `json:"peers"`
	Transaction *api.TransactionInfo `json:"transaction,omitempty"`
}

func newWait() *cobra.Command {
	var f waiting
	c := &cobra.Command{
		Use:   "wait",
		Short: "Wait until the chain is that long, that many peers are connected, or a payment is mined",
		Long: "Wait until all that was asked for is so, then print the state. A node that does not answer yet is waited for, too.\n" +
			"Exit code 1: it was not so in time.",
		Example: "  kuai wait --height 10\n  kuai wait -p 5001 --peers 2 --timeout 30s\n  kuai wait --tx $(kuai send alice bob 5 --json | jq -r .id)",
		Args:    arguments(0, 0),
	}
	f.bind(c)
	c.Flags().Int64Var(&f.height, "height", 0, "until the chain has this many blocks")
	c.Flags().IntVar(&f.peers, "peers", 0, "until this many peers are connected")
	c.Flags().StringVar(&f.tx, "tx", "", "until the payment with this `id` is in a block of the chain")
	c.Flags().DurationVar(&f.timeout, "timeout", waitTime, "how long to wait; 0: without end")
	c.RunE = func(c *cobra.Command, _ []string) error { return f.run(c) }
	return c
}

func (f *waiting) run(c *cobra.Command) error {
	f.tx = strings.ToLower(f.tx)
	switch {
	case f.height == 0 && f.peers == 0 && f.tx == "":
		return usageError{errors.New("nothing to wait for: want --height, --peers or --tx")}
	case f.height < 0 || f.peers < 0 || f.timeout < 0:
		return usageError{errors.New("--height, --peers and --timeout: want no number below 0")}
	case f.tx != "" && !isID(f.tx):
		return usageError{fmt.Errorf("--tx %q: want the id of a payment, 32 hex digits", f.tx)}
	}
	client, err := f.client(c)
	if err != nil {
		return err
	}
	ctx, cancel := c.Context(), func() {}
	if f.timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, f.timeout)
	}
	defer cancel()
	var got waitedInfo
	err = untilNil(ctx, waitLook, func() (err error) { got, err = f.look(ctx, client); return err })
	switch {
	case c.Context().Err() != nil:
		return errors.New("stopped before it was so")
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("not within %v: %w", f.timeout, err)
	case err != nil:
		return f.explain(err)
	case f.json:
		return printJSON(c.OutOrStdout(), got)
	}
	return printWaited(c, got)
}

func printWaited(c *cobra.Command, got waitedInfo) error {
	_, err := fmt.Fprintf(c.OutOrStdout(), "block %d, %s connected\n", got.Height, count(got.Peers, "peer"))
	if t := got.Transaction; err == nil && t != nil {
		_, err = fmt.Fprintf(c.OutOrStdout(), "payment %s is in block %d, with %s\n", t.Transaction.ID, t.Block.Index, count(t.Confirmations, "confirmation"))
	}
	return err
}

// notYet is what is not so yet; another error ends the wait.
type notYet struct{ error }

func (e notYet) Unwrap() error { return e.error }

// look returns the state, and a notYet if it is not what is waited for.
func (f *waiting) look(ctx context.Context, client *rpc.Client) (got waitedInfo, err error) {
	n, err := client.Node(ctx)
	if err != nil {
		return got, f.noAnswerYet(err)
	}
	got = waitedInfo{Height: n.Height, Peers: n.Peers}
	switch {
	case n.Height < f.height:
		return got, notYet{fmt.Errorf("the chain has %s", count(n.Height, "block"))}
	case n.Peers < f.peers:
		return got, notYet{fmt.Errorf("%s connected", count(n.Peers, "peer"))}
	case f.tx == "":
		return got, nil
	}
	t, err := client.Transaction(ctx, f.tx)
	var refused *rpc.StatusError
	switch {
	case errors.As(err, &refused) && refused.Title != "":
		return got, notYet{errors.New("the node knows no payment " + f.tx)} // it may be on its way
	case err != nil:
		return got, f.noAnswerYet(err)
	case t.Status != "mined":
		return got, notYet{fmt.Errorf("the payment is %s", t.Status)}
	}
	got.Transaction = &t
	return got, nil
}

// noAnswerYet makes it a notYet that no node answers. What another program answers is not worth waiting for.
func (f *waiting) noAnswerYet(err error) error {
	var refused *rpc.StatusError
	if errors.As(err, &refused) && refused.Title == "" {
		return err
	}
	return notYet{f.explain(err)}
}

// untilNil calls check until it returns nil or what is not a notYet, or ctx ends. It returns the last error that tells something.
func untilNil(ctx context.Context, every time.Duration, check func() error) error {
	look := time.NewTicker(every)
	defer look.Stop()
	var last error
	for {
		err := check()
		wait := notYet{}
		switch {
		case err == nil:
			return nil
		case last != nil && ctx.Err() != nil:
			return last // err says that the time is over
		case !errors.As(err, &wait):
			return err
		}
		last = err
		select {
		case <-look.C:
		case <-ctx.Done():
			return last
		}
	}
}

// isID reports whether text is the id of a payment.
func isID(text string) bool {
	const digits = 32
	return len(text) == digits && strings.Trim(text, "0123456789abcdef") == ""
}
