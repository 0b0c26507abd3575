package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"kuai/chain/consensus"
	"kuai/rpc"
	"kuai/rpc/api"
)

func newTx() *cobra.Command {
	var f walletFlags
	c := wordVerb("tx ID", "Show a payment: pending, or in which block", 1,
		func(ctx context.Context, c *rpc.Client, words []string) (api.TransactionInfo, error) {
			id := strings.ToLower(words[0])
			if _, err := consensus.ParseID(id); err != nil {
				return api.TransactionInfo{}, usageError{fmt.Errorf("%q: want the id of a payment, 32 hex digits", words[0])}
			}
			return c.Transaction(ctx, id)
		}, f.printTx)
	f.bindDir(c)
	return c
}

func (f *walletFlags) printTx(w io.Writer, l language, t api.TransactionInfo) error {
	where := t.Status
	switch {
	case t.Block != nil:
		where = fmt.Sprintf("mined in block %d, %s", t.Block.Index, count(t.Confirmations, "confirmation"))
	case t.Status == "returned":
		where = "pending again: its block left the chain"
	}
	if _, err := fmt.Fprintln(w, l.text(where)); err != nil {
		return err
	}
	if t.Transaction.Signature != "" {
		if _, err := fmt.Fprintln(w, l.text("signed by the sender")); err != nil {
			return err
		}
	}
	return printPayments(w, f.named([]api.Payment{t.Transaction}))
}
