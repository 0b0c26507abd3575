package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kuai/rpc"
)

func newTx() *cobra.Command {
	return wordVerb("tx ID", "Say where a payment is", 1,
		func(ctx context.Context, c *rpc.Client, words []string) (rpc.TransactionInfo, error) {
			return c.Transaction(ctx, words[0])
		}, printTx)
}

func printTx(w io.Writer, t rpc.TransactionInfo) error {
	where := t.Status
	switch {
	case t.Block != nil:
		where = fmt.Sprintf("mined in block %d, %d confirmations", t.Block.Index, t.Confirmations)
	case t.Status == "returned":
		where = "pending again: its block left the chain"
	}
	if _, err := fmt.Fprintln(w, where); err != nil {
		return err
	}
	return printPayments(w, []rpc.PaymentInfo{t.Transaction})
}
