package main

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kuai/rpc"
	"kuai/rpc/api"
)

func newBalance() *cobra.Command {
	var f walletFlags
	c := wordVerb("balance ADDR", "Show the balance of an address, and its newest payments", 1,
		func(ctx context.Context, c *rpc.Client, words []string) (api.Account, error) {
			if err := checkAddress(words[0]); err != nil {
				return api.Account{}, err
			}
			address, err := f.resolveName(ctx, c, words[0])
			if err != nil {
				return api.Account{}, err
			}
			account, err := c.Address(ctx, address)
			return account, unknownName(err, address)
		}, f.printBalance)
	f.bindDir(c)
	return c
}

// printBalance prints the balance on a line of its own, for scripts, then what of it is not spoken for, then the history, newest first.
func (f *walletFlags) printBalance(w io.Writer, l language, a api.Account) error {
	if _, err := fmt.Fprintln(w, a.Balance); err != nil {
		return err
	}
	if a.Spendable != "" && a.Spendable != a.Balance {
		if _, err := fmt.Fprintln(w, l.text(fmt.Sprintf("%s of it can be spent, the rest is in pending payments", a.Spendable))); err != nil {
			return err
		}
	}
	t := newTable(w)
	payments := make([]api.Payment, len(a.History))
	for i, e := range a.History {
		payments[i] = e.Transaction
	}
	payments = f.named(payments)
	for i, e := range a.History {
		p := payments[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t→\t%s\t%s\n", l.format("block %d", e.Block.Index), p.Amount, name(p.Sender), name(p.Recipient), p.ID)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return printMore(w, l, a.Count-len(a.History))
}

// resolveName returns the address that is called name here, if the node's network is a secure one. On a classic network a name is an
// address. The node may know other names.
func (f *walletFlags) resolveName(ctx context.Context, client *rpc.Client, name string) (string, error) {
	e, ok, damaged := f.lookUp(name)
	if !ok && damaged == nil {
		return name, nil
	}
	n, err := client.Node(ctx)
	if err != nil || !isSecure(n) {
		return name, err
	}
	if err := cmp.Or(damaged, ambiguous(n, name, e)); err != nil {
		return name, err
	}
	return e.Address.String(), nil
}
